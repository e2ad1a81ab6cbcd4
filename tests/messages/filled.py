"""Messages as people see them: with plausible values, and with what stands around them at a terminal."""

import re
from collections.abc import Iterable

from tests.messages.pages import Section

#: what a placeholder of this name may be; of any other it is `_ANYTHING`
_VALUES = {
    **dict.fromkeys(("host", "hosts", "server", "target", "where", "hostname", "blocked"), "srv-ex02.contoso.example"),
    **dict.fromkeys(("url", "base", "elsewhere"), "https://srv-ex02.contoso.example/EWS/Exchange.asmx"),
    **dict.fromkeys(("address", "mailbox", "also", "alias", "who", "names", "login"), "maria.huber@contoso.example"),
    **dict.fromkeys(("number", "days", "bytes", "total", "seconds", "period", "status", "code"), "417"),
    **dict.fromkeys(("file", "path", "folder", "parent", "executable"), "C:\\ProgramData\\rainbow-exchange\\x7.toml"),
    **dict.fromkeys(("account", "username", "first", "read_for"), "CONTOSO\\svc-rbx"),
    **dict.fromkeys(("when", "again", "time", "ends", "since"), "2026-03-01 at 08:12"),
    **dict.fromkeys(("company", "company_id", "id"), "5f0c3be1a7d2"),
    **dict.fromkeys(("reason", "error", "detail"), "WinError 10060"),
}
_ANYTHING = "zq71-huber"
_PLACE = re.compile(r"<(\w+)>")


def filled(message: str) -> str:
    """Put a value into each place."""
    return _PLACE.sub(lambda place: _VALUES.get(place[1], _ANYTHING), message)


def shown(message: str) -> tuple[str, str]:
    """Give the ways in which a message is pasted: alone, and as a command, `check` or another message shows it."""
    text = filled(message)
    if not text[:1].isupper():
        return text, f"Error: exchange.url (/etc/rainbow-exchange/config.toml, line 4) {text}."
    return text, f"Error: {text}" if len(text) % 2 else f"FAIL  exchange-tls  {text}\n      Next step:"


def questions(held: Iterable[Section]) -> list[tuple[str, str]]:
    """Give each message in each way, with the page that explains it."""
    return [(text, each.page) for each in held for message in each.messages for text in shown(message)]
