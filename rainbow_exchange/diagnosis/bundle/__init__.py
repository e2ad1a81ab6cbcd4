"""The support bundle: what helps somebody who is not here, packed so that it says nothing of people.

`collect` asks for the parts, `hiding` puts hashes in place of whoever is named in them, `archive` packs them with a
manifest. What is in it and what is not: `docs/how-to/support-bundle.md`.
"""
