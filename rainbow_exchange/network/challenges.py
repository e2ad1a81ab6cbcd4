"""How servers and proxies say which schemes of authentication they take (RFC 9110 section 11); no I/O."""

import re
from collections.abc import Sequence

from rainbow_exchange.network.shown import shown

_LONGEST, _MOST = 40, 10  # of a name; of names
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9._-]*)(?=\s+[^\s=,]|\s*,|\s*$)")


def schemes(challenges: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the schemes that these headers offer, in order, each once."""
    found = (name for value in challenges for name in _SCHEME.findall(_QUOTED.sub('""', value)))
    return tuple(shown(name, _LONGEST) for name in list(dict.fromkeys(found))[:_MOST])
