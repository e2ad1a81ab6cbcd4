import asyncio
import io
import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web

from rainbow_exchange import logs
from rainbow_exchange.outage import Outage
from tests.logs.conftest import Stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Colour(StrEnum):
    RED = "red"


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


@pytest.mark.parametrize("log_format", ["auto", "json", "console"])
def test_redaction_is_the_last_step_before_rendering_for_every_handler(tmp_path: Path, log_format: str) -> None:
    """Whatever writes a line: the terminal or the service manager, the file, the memory; ours and libraries' lines."""
    logs.configure(log_format=log_format, file=tmp_path / "log")

    ours = [handler for handler in logging.getLogger().handlers if getattr(handler, "_ours", False)]
    assert len(ours) == 3
    for handler in ours:
        formatter = handler.formatter
        assert isinstance(formatter, structlog.stdlib.ProcessorFormatter)
        *_, last, renderer = formatter.processors
        assert last is logs.masked_once
        assert isinstance(renderer, structlog.processors.JSONRenderer | structlog.dev.ConsoleRenderer)
    assert logs.STEPS[-1] is logs.redact
    assert not logging.getLogger("rainbow_exchange").handlers


def test_a_librarys_line_has_what_the_library_said_and_nothing_of_ours(tmp_path: Path, stderr: Stderr) -> None:
    logs.configure(log_format="json", file=tmp_path / "log")
    logging.getLogger("library").warning("refused", extra={"port": 443})

    for line in (*lines(stderr), json.loads((tmp_path / "log").read_text("utf-8")), json.loads(logs.recent()[-1])):
        assert line["port"] == 443
        assert not [name for name in line if name.startswith("_")]


def test_what_one_handler_has_masked_the_others_write(tmp_path: Path, stderr: Stderr) -> None:
    """A handler that takes something out of a line for itself, as the console's does, takes it from nobody else."""
    logs.configure(log_format="console", file=tmp_path / "log")
    logger().info("said", password="hunter2", who=["Bearer abcdefgh12345678"])

    kept, written = logs.recent()[-1], (tmp_path / "log").read_text(encoding="utf-8").strip()
    assert json.loads(kept) == json.loads(written)
    for line in (kept, written, stderr.getvalue()):
        assert "said" in line
        assert "info" in line
        assert "hunter2" not in line
        assert "abcdefgh12345678" not in line


class Turned:
    def __repr__(self) -> str:
        return "\u202epassword=\x1b[31mhunter2"


def test_what_values_say_of_themselves_neither_steers_nor_tells(stderr: Stderr) -> None:
    logs.configure()

    logger().info("said", what=Turned(), by={Turned(): [Turned()]})

    (line,) = lines(stderr)
    assert line["what"] == "?password=***"
    assert line["by"] == {"?password=***": "***"}  # by its name


def test_tracebacks_are_redacted_too(stderr: Stderr) -> None:
    logs.configure()
    try:
        int("https://me:hunter2@host/")
    except ValueError:
        logger().exception("went_wrong")

    (line,) = lines(stderr)
    assert "'https://***@host/'" in line["exception"]
    assert "hunter2" not in stderr.getvalue()


def test_loggers_that_are_kept_follow_the_level_and_name_whoever_logs(stderr: Stderr) -> None:
    logs.configure("info", for_good=True)
    log, outage = logger(), Outage("door_closed", "door_opened")

    log.debug("first")
    outage.failed()
    logs.SWITCH.begin("debug")
    log.debug("second")
    logs.SWITCH.begin("info")
    log.debug("third")
    exec("outage.went_well()", {"__name__": "rainbow_exchange.door", "outage": outage})  # noqa: S102  (another module)

    assert [(line["event"], line["logger"]) for line in lines(stderr)] == [
        ("door_closed", "tests.logs.test_logs"),
        ("second", "rainbow_exchange.test"),
        ("door_opened", "rainbow_exchange.door"),
    ]


def test_bound_values_are_on_the_line(stderr: Stderr) -> None:
    logs.configure()

    with structlog.contextvars.bound_contextvars(mailbox="ada@acme.test"):
        logger().info("read")

    assert lines(stderr)[0]["mailbox"] == "ada@acme.test"


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
        assert await asyncio.wait_for(reader.readline(), 60) == b"HTTP/1.0 400 Bad Request\r\n"
        writer.close()
    finally:
        await runner.cleanup()

    text = stderr.getvalue()
    assert "Tkn4711" not in text + "".join(logs.recent())
    (line,) = [json.loads(each) for each in text.splitlines()]
    assert (line["event"], line["level"], line["logger"]) == ("request_not_understood", "warning", "aiohttp.server")
    assert line["reason"]


def test_an_outage_names_whoever_says_that_it_failed(stderr: Stderr) -> None:
    logs.configure()
    Outage("door_closed", "door_opened").failed(reason="locked")
    structlog.get_logger().warning("said_here")

    assert [line["logger"] for line in lines(stderr)] == [__name__, __name__]
