"""How servers and proxies say which schemes of authentication they take (RFC 9110 section 11); no I/O."""

import re
from collections.abc import Sequence

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9._-]*)(?=\s+[^\s=,]|\s*,|\s*$)")


def schemes(challenges: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the schemes that these headers offer, in order, each once."""
    found = (name for value in challenges for name in _SCHEME.findall(_QUOTED.sub('""', value)))
    return tuple(dict.fromkeys(found))
