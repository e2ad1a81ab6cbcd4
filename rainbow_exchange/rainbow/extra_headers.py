"""Headers that Rainbow asks its clients to add (`GET enduser/v1.0/settings/apis`), as far as we honour them (pure)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from itertools import islice

from rainbow_exchange.rainbow.assumed import EXTRA_HEADER_PREFIXES, EXTRA_HEADERS_NEVER

_NAME = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_VALUE = re.compile(r"[ -~]{0,1024}\Z")
_MAX_RULES = 100
_MAX_URL = 1024


@dataclass(frozen=True, slots=True)
class ExtraHeaders:
    """Rules of which headers go with which request."""

    rules: tuple[tuple[str, re.Pattern[str], str, str], ...] = ()

    def matching(self, method: str, path: str) -> dict[str, str]:
        """Pick the headers to add to a request."""
        return {name: value for verb, url, name, value in self.rules if verb in ("*", method) and url.match(path)}


def read_extra_headers(answer: object) -> ExtraHeaders:
    """Read the answer; whatever is not understood or not allowed is left out."""
    data = answer.get("data") if isinstance(answer, dict) else None
    entries = data.get("additionalHeaders") if isinstance(data, dict) else None
    return ExtraHeaders(tuple(islice(_rules(entries), _MAX_RULES)))


def _rules(entries: object) -> Iterator[tuple[str, re.Pattern[str], str, str]]:
    """Go through the rules: of millions no more are made than are taken."""
    for entry in _objects(entries):
        headers = [
            (str(name), str(value))
            for header in _objects(entry.get("headers"))
            if _allowed(name := header.get("key"), value := header.get("value"))
        ]
        for match in _objects(entry.get("match")) if headers else ():
            url, method = match.get("url"), match.get("method")
            if isinstance(url, str) and isinstance(method, str) and len(url) <= _MAX_URL:
                pattern = re.compile(translate(url.replace("[", "[[]")))
                yield from ((method.upper(), pattern, name, value) for name, value in headers)


def _objects(value: object) -> Iterator[dict[str, object]]:
    return (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else iter(())


def _allowed(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and bool(_NAME.match(name) and _VALUE.match(value))
        and name.lower().startswith(EXTRA_HEADER_PREFIXES)
        and name.lower() not in EXTRA_HEADERS_NEVER
    )
