"""How servers and proxies say which schemes of authentication they take (RFC 9110 section 11); no I/O."""

import re
from collections.abc import Sequence

_MOST = 10
_UNKNOWN = "unknown"
#: IANA's registry of HTTP Authentication Schemes, and those of Windows, Exchange and its reverse proxies
_KNOWN = frozenset(
    {"anonymous", "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "kerberos", "mutual", "negoex"}
    | {"negotiate", "ntlm", "oauth", "passport1.4", "pop", "privatetoken", "scram-sha-1", "scram-sha-256", "vapid"}
    | {"wlid1.0", "wsse", "wssecurity", "x509"}
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9._-]*)(?=\s+[^\s=,]|\s*,|\s*$)")


def schemes(challenges: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the schemes that these headers offer, each once; of one that nobody knows no word."""
    found = (name for value in challenges for name in _SCHEME.findall(_QUOTED.sub('""', value)))
    named = (name if name.lower() in _KNOWN else _UNKNOWN for name in found)
    return tuple(list(dict.fromkeys(named))[:_MOST])
