"""What is taken out of all that goes into a bundle: secrets in every mode, people unless that is chosen. Pure."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from rainbow_exchange import logs
from rainbow_exchange.diagnosis.bundle import escapes
from rainbow_exchange.diagnosis.bundle.hiding import Hiding
from rainbow_exchange.diagnosis.bundle.known import written
from rainbow_exchange.json_text import read_json

#: a shorter secret stands in too much that is none
_SHORTEST_SECRET = 4


class Cleaning:
    """Takes secrets out by their looks and by what they are; `hiding` None leaves people as they are."""

    def __init__(self, hiding: Hiding | None, secrets: Iterable[str] = ()) -> None:
        self._hiding = hiding
        secrets = set(secrets)
        self._plain = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        self._secrets = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Clean text of several lines."""
        return "\n".join(map(self._line, text.split("\n")))

    def log_line(self, line: str) -> str:
        """Clean a line of a log; one of JSON stays JSON."""
        try:
            content = read_json(line)
        except ValueError:
            return self._line(line)
        if not isinstance(content, dict):
            return self._line(line)
        return json.dumps(self.value(dict(logs.redact(None, "", content))), ensure_ascii=False)

    def value(self, value: Any) -> Any:
        """Clean JSON."""
        masked = self._masked(value)
        return masked if self._hiding is None else self._hiding.value(masked)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._mask(value)
        if isinstance(value, dict):
            return {self._mask(str(key)): self._masked(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(one) for one in value]
        return value

    def _line(self, line: str) -> str:
        masked = self._mask(line)
        return masked if self._hiding is None else self._hiding.text(masked)

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, logs.MASK)
        for found_in in (escapes.words, escapes.base64s) if self._plain else ():
            for start, stop, meaning in reversed(found_in(text)):
                if any(secret in meaning for secret in self._plain):
                    text = f"{text[:start]}{logs.MASK}{text[stop:]}"
        return logs.redact_text(text)


def _forms(secret: str) -> set[str]:
    """Give a secret as it is written in a text of any kind, and in base64."""
    return written(secret) | {base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()}
