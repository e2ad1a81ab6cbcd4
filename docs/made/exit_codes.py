"""How each command ends, by the words of its own help."""

import click

from docs.made.commands import every_command, how_it_ends
from docs.made.markdown import table

PAGE = "reference/exit-codes.md"


def parts() -> dict[str, str]:
    """Give the table of all commands."""
    rows = [
        (f"`{name}`", how_it_ends(command)) for name, command in every_command() if not isinstance(command, click.Group)
    ]
    return {"commands": table(("command", "exit code"), sorted(rows))}
