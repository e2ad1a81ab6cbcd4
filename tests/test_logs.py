import asyncio
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web

from rainbow_exchange import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Colour(StrEnum):
    RED = "red"


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave logging as other tests found it."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if getattr(handler, "_ours", False):
            root.removeHandler(handler)
            handler.close()
    logging.captureWarnings(capture=False)
    logging.getLogger("rainbow_exchange").setLevel(logging.NOTSET)
    structlog.reset_defaults()


class Stderr:
    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Stderr:
    return Stderr(capsys)


def lines(stream: Stderr) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def logger() -> Any:
    return structlog.get_logger("rainbow_exchange.test")


def test_a_line_is_json_with_time_level_and_event_first(stderr: Stderr) -> None:
    logs.configure()

    logger().info("stream_opened", group=3)
    logger().debug("not_shown")

    (line,) = lines(stderr)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert (line["level"], line["event"], line["group"]) == ("info", "stream_opened", 3)


def test_a_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure()

    logger().info("stream_opened", group=3)

    assert "stream_opened" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_that_a_stranger_wrote_steers_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_format: str
) -> None:
    """Titles by OSC, colours by CSI in one byte and in two, a line that is written over, text turned round."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure(log_format=log_format, file=tmp_path / "log")

    title = "\x1b]0;mine\x07"
    logger().info("told", name=title, names=[title], by={title: "\x9b31m"}, turned="\u202eabc", over="a\rb")
    logger().error("went_wrong", exc_info=ValueError(title))

    shown = (stream.getvalue().replace("\x1b[", ""), (tmp_path / "log").read_text(encoding="utf-8"))
    for text in shown:
        assert "?]0;mine?" in text
        assert not [each for each in text if each in "\x1b\x07\x9b\r\u202e"]
        assert not [each for each in ("\\u001b", "\\u009b", "\\x1b") if each in text]


@pytest.mark.parametrize(("log_format", "is_json"), [("json", True), ("console", False)])
def test_the_format_can_be_chosen(stderr: Stderr, log_format: str, is_json: bool) -> None:
    logs.configure(log_format=log_format)

    logger().info("stream_opened")

    assert stderr.getvalue().startswith("{") is is_json


def test_libraries_go_through_the_same_chain(stderr: Stderr) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("debug")
        library = logging.getLogger("aiohttp.client")
        library.warning("asked %s", "https://me:hunter2@host/", extra={"password": "hunter2"})
        library.info("not shown")
        warnings.warn("old thing", stacklevel=1)

    first, second = lines(stderr)
    assert (first["event"], first["password"]) == ("asked https://***@host/", "***")
    assert (second["logger"], "old thing" in second["event"]) == ("py.warnings", True)


def test_the_level_changes_at_run_time(stderr: Stderr) -> None:
    logs.configure("warning")
    log = logger()
    log.info("one")
    logs.set_level("debug")
    log.debug("two")
    logs.set_level("error")
    log.warning("three")

    assert [line["event"] for line in lines(stderr)] == ["two"]


def test_a_terminal_that_shows_progress_gets_only_warnings(stderr: Stderr, tmp_path: Path) -> None:
    logs.configure("info", file=tmp_path / "log.json", stream_level="warning")

    logger().info("one")
    logger().warning("two")

    assert [line["event"] for line in lines(stderr)] == ["two"]
    assert len((tmp_path / "log.json").read_text().splitlines()) == 2


def test_events_that_are_shown_elsewhere_stay_off_the_stream(stderr: Stderr) -> None:
    logs.configure(not_on_stream=frozenset({"problem"}))

    logger().error("problem")
    logger().error("other")
    logging.getLogger("library").warning("problem")

    assert [line["logger"] for line in lines(stderr)] == ["rainbow_exchange.test", "library"]


def test_configuring_twice_writes_once(stderr: Stderr) -> None:
    logs.configure()
    logs.configure()

    logger().info("once")

    assert len(lines(stderr)) == 1


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "app_secret",
        "jid_password",
        "accessToken",
        "Authorization",
        "Set-Cookie",
        "x-rainbow-app-auth",
        "subject",
        "internal_text",
        "body",
        "message_html",
        "api_key",
    ],
)
def test_values_are_masked_by_their_key(stderr: Stderr, key: str) -> None:
    logs.configure()

    logger().warning("something", **{key: "hunter2", "nested": [{key: ["hunter2"]}]})

    (line,) = lines(stderr)
    assert line[key] == "***"
    assert "hunter2" not in stderr.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: *** ***"),
        ("sent Bearer abcdefgh12", "sent Bearer ***"),
        ("sent Basic aHVudGVyOjI=", "sent Basic ***"),
        ("Basic authentication is off", "Basic authentication is off"),
        ("Basic not-base64", "Basic not-base64"),
        ("Negotiate YIIGhgYJKoZ", "Negotiate ***"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.c2ln end", "jwt *** end"),
        ("at https://me:hunter2@proxy:8080/x", "at https://***@proxy:8080/x"),
        ("GET /login?token=hunter2&x=1", "GET /login?token=***&x=1"),
        ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("app_secret=hunter2", "app_secret=***"),
        ("ada@acme.test changed", "ada@acme.test changed"),
        ("x" * 20_000, "x" * 16_384 + "… (20000 characters)"),
    ],
)
def test_values_are_masked_by_their_looks(text: str, expected: str) -> None:
    assert logs.redact_text(text) == expected


def test_what_is_no_text_is_made_harmless(stderr: Stderr) -> None:
    logs.configure()
    deep: Any = "end"
    for _ in range(10):
        deep = [deep]

    logger().info(
        "kinds",
        error=ValueError("Bearer abcdefgh12"),
        raw=b"hunter2",
        at=datetime(2026, 1, 2, tzinfo=UTC),
        colour=Colour.RED,
        text_length=7,
        secret_number=7,
        tokens=None,
        flags={"password": True},
        share=0.5,
        deep=deep,
        members={"one"},
    )

    (line,) = lines(stderr)
    assert line["error"] == "ValueError('Bearer ***')"
    assert line["raw"] == "<7 bytes>"
    assert line["at"] == "2026-01-02T00:00:00+00:00"
    assert (line["colour"], line["text_length"], line["secret_number"], line["tokens"]) == ("red", 7, "***", None)
    assert (line["flags"], line["share"], line["members"]) == ({"password": True}, 0.5, ["one"])
    assert "<list>" in json.dumps(line["deep"])


def test_tracebacks_are_redacted_too(stderr: Stderr) -> None:
    logs.configure()
    try:
        int("https://me:hunter2@host/")
    except ValueError:
        logger().exception("went_wrong")

    (line,) = lines(stderr)
    assert "'https://***@host/'" in line["exception"]
    assert "hunter2" not in stderr.getvalue()


def test_bound_values_are_on_the_line(stderr: Stderr) -> None:
    logs.configure()

    with structlog.contextvars.bound_contextvars(mailbox="ada@acme.test"):
        logger().info("read")

    assert lines(stderr)[0]["mailbox"] == "ada@acme.test"


def test_the_file_rotates_by_size_and_count(stderr: Stderr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logs, "_FILE_BYTES", 500)
    monkeypatch.setattr(logs, "_FILE_COUNT", 2)
    logs.configure(file=tmp_path / "logs" / "log.json")

    for number in range(30):
        logger().info("line", number=number, name="é😀")

    assert sorted(file.name for file in (tmp_path / "logs").iterdir()) == ["log.json", "log.json.1", "log.json.2"]
    if sys.platform != "win32":  # a file's mode says nothing there
        assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "logs").iterdir())
    last = (tmp_path / "logs" / "log.json").read_text(encoding="utf-8").splitlines()[-1]
    assert (json.loads(last)["number"], json.loads(last)["name"]) == (29, "é😀")
    assert len(lines(stderr)) == 30


def test_a_file_that_cannot_rotate_goes_on(stderr: Stderr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logs, "_FILE_BYTES", 200)
    monkeypatch.setattr(logs, "_FILE_COUNT", 1)
    (tmp_path / "log.json.1").mkdir()  # cannot be replaced by a file
    (tmp_path / "log.json.1" / "occupied").write_text("")
    logs.configure(file=tmp_path / "log.json")

    for number in range(5):
        logger().info("line", number=number)

    written = [json.loads(line)["number"] for line in (tmp_path / "log.json").read_text().splitlines()]
    assert written == [0, 1, 2, 3, 4]
    assert len(lines(stderr)) == 5


def test_without_a_console_only_the_file_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    logs.configure(file=tmp_path / "log.json")

    logger().info("line")

    assert "line" in (tmp_path / "log.json").read_text()


def test_a_closed_stream_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure()
    stream.close()
    logger().info("lost")

    logs.configure()
    logger().info("lost_too")

    assert stream.closed


def test_a_terminal_of_code_page_1252_takes_every_character(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", errors="strict", write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure()
    logger().info("line", name="é😀")
    assert json.loads(raw.getvalue().decode("ascii"))["name"] == "é😀"

    logs.configure(log_format="console")
    logger().info("lost", name="é😀")
    stream.reconfigure(errors="backslashreplace")
    logger().info("shown", name="é😀")
    assert "é\\U0001f600" in raw.getvalue().decode("cp1252")


def test_the_last_lines_stay_in_memory_as_they_were_written(stderr: Stderr, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("info")
    logger().info("first", password="hunter2")
    logger().debug("not_shown")
    assert json.loads(logs.recent()[-1]) == lines(stderr)[-1]
    assert json.loads(logs.recent()[-1])["password"] == "***"

    monkeypatch.setattr(logs, "_RECENT_CHARACTERS", 1000)
    for number in range(100):
        logger().info("again", number=number)

    kept = [json.loads(line).get("number") for line in logs.recent()]
    assert kept == list(range(100 - len(kept), 100))
    assert 5 < len(kept) < 15


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /?token=Tkn4711 HTTP/9.9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTkn4711\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Tkn4711\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: Tkn4711\r\n\r\n",
        b"GET /Tkn4711" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_logged_without_what_came(stderr: Stderr, sent: bytes) -> None:
    logs.configure()
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(sent)
        assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.0 400 Bad Request\r\n"
        writer.close()
    finally:
        await runner.cleanup()

    text = stderr.getvalue()
    assert "Tkn4711" not in text + "".join(logs.recent())
    (line,) = [json.loads(each) for each in text.splitlines()]
    assert (line["event"], line["level"], line["logger"]) == ("request_not_understood", "warning", "aiohttp.server")
    assert line["reason"]
