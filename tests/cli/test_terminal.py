import io
import sys
from datetime import UTC, datetime

import pytest

from rainbow_exchange.cli.terminal import Progress, is_terminal, prepare_streams

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLOCK = f"{AT.astimezone():%H:%M:%S}"


def shown(*events: tuple[str, dict[str, object]]) -> str:
    written: list[str] = []
    progress = Progress(written.append, lambda: AT)
    for event, values in events:
        progress(event, **values)
    return "".join(written)


def test_the_start_is_shown_as_progress() -> None:
    assert (
        shown(
            ("serving", {"url": "http://127.0.0.1:3001", "sign_in": "http://127.0.0.1:3001/sign-in?code=x"}),
            ("users_listed", {"count": 2}),
            ("subscribed", {"done": 1, "total": 2}),
            ("subscribed", {"done": 2, "total": 2}),
            ("stopping", {}),
            ("stopped", {}),
        )
        == "Local page at http://127.0.0.1:3001; to sign in, once and within 10 minutes:\n"
        "  http://127.0.0.1:3001/sign-in?code=x\nRainbow lists 2 users.\n\rSubscribed 1/2\rSubscribed 2/2\n"
        "Stopping ...\nStopped.\n"
    )


def test_a_long_listing_is_shown_as_progress() -> None:
    assert (
        shown(
            ("listing_users", {"done": 100, "total": 50000}),
            ("listing_users", {"done": 200, "total": 50000}),
            ("users_listed", {"count": 50000}),
            ("listing_users", {"done": 100, "total": 900}),
        )
        == "\rListing users 100/50000\rListing users 200/50000\nRainbow lists 50000 users.\n"
    )


def test_then_one_line_per_change() -> None:
    assert (
        shown(
            ("users_listed", {"count": 1}),
            ("subscribed", {"done": 1, "total": 2}),
            ("change_told", {"user": "1", "mailbox": "ada@acme.test", "kind": "calendar", "seconds": 0.44}),
            ("problem", {"id": "x", "text": "It is broken.", "action": "Mend it."}),
            ("something_later", {"x": 1}),
        )
        == f"Rainbow lists 1 user.\n\rSubscribed 1/2\n{CLOCK}  ada@acme.test: calendar told to Rainbow after 0.4 s\n"
        f"{CLOCK}  Problem: It is broken. Mend it.\n"
    )


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_terminal_that_is_gone_stops_nothing(error: Exception) -> None:
    calls = 0

    def write(_text: str) -> None:
        nonlocal calls
        calls += 1
        raise error

    progress = Progress(write, lambda: AT)
    progress.say("one")
    progress.say_now("two")

    assert calls == 1


def test_no_character_stops_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", None)

    prepare_streams()
    print("é😀", flush=True)  # noqa: T201  (what is tested)

    assert raw.getvalue().strip() == b"\xe9\\U0001f600"


def test_who_is_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    closed = Terminal()
    closed.close()

    assert is_terminal(Terminal())
    assert not is_terminal(io.StringIO())
    assert not is_terminal(None)
    closed_plain = io.StringIO()
    closed_plain.close()
    assert not is_terminal(closed_plain)
