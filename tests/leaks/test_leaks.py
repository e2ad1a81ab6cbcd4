"""What every test of the suite is looked through for would be found: each way to tell is tried here."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from rainbow_exchange import logs
from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.lab.exchange.calendar import Details
from rainbow_exchange.lab.exchange.mailbox import OutOfOffice
from tests.house import EPOCH, House, now, until, virtually
from tests.leaks.allowed import ALLOWED
from tests.leaks.kept import KEPT, Kept, Kind
from tests.leaks.plugin import EARS

ROOT = Path(__file__).parents[2]
SUBJECT, TEXT = "Quarterly 4711", "Back on the 4711th"


def log() -> Any:
    return structlog.get_logger("rainbow_exchange.test")


@pytest.fixture(autouse=True)
def made() -> Iterator[None]:
    """Somebody's calendar and reply are made; whatever logging is set up as is put back."""
    Details(start=EPOCH, end=EPOCH, subject=SUBJECT)
    OutOfOffice(start=EPOCH, end=EPOCH, internal=f"<html><p>{TEXT}</p></html>")
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(capture=False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def captured() -> None:
    with capture_logs():
        log().debug("read", what=SUBJECT)


def below_the_level() -> None:
    logs.configure("error")
    log().debug("read", what=[{"of": SUBJECT}])


def bound() -> None:
    structlog.contextvars.bind_contextvars(what=SUBJECT)
    log().bind(of=TEXT).info("read")


def a_bug() -> None:
    try:
        float(SUBJECT)
    except ValueError:
        log().exception("bug")


def a_bug_of_a_task() -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=ValueError(TEXT))


def escaped() -> None:
    log().info("read", body=None, what=f"'{SUBJECT}' \u202e \"<é\n")


@pytest.mark.tells
@pytest.mark.parametrize(
    "tell",
    [
        lambda: log().debug("read", what=SUBJECT),
        lambda: log().info(f"read {SUBJECT}"),
        lambda: logging.getLogger("aiohttp.server").warning("read %s", TEXT),
        captured,
        below_the_level,
        bound,
        a_bug,
        a_bug_of_a_task,
        escaped,
    ],
    ids=["value", "event", "library", "captured", "below the level", "bound", "bug", "task", "escaped"],
)
def test_whoever_logs_it_is_heard(tell: Callable[[], None]) -> None:
    tell()
    assert [each for each in EARS.leaks if each.startswith("log ")]


@pytest.mark.tells
def test_what_redaction_masks_was_not_said() -> None:
    KEPT.keep(Kind.PASSWORD, "Zw4nzig!")
    log().info("read", subject=SUBJECT, how="password=Zw4nzig!")
    assert EARS.leaks == []
    log().info("read", how="with Zw4nzig!")
    assert len(EARS.leaks) == 1


@pytest.mark.tells
def test_an_error_that_repeats_it_is_heard_before_anybody_shows_it() -> None:
    EwsConnectionError("refused", SUBJECT)
    assert [each.split(" shows ")[0] for each in EARS.leaks] == ["error EwsConnectionError"]


@pytest.mark.tells
def test_a_place_that_shows_it_is_seen_and_the_preview_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        house = House(tmp_path, 1)
        house.bridge = {"privacy": "full"}
        ada = house.people[0]
        assert ada.mailbox is not None
        async with house.at_work() as daemon:
            house.appointment(ada.mailbox.address, SUBJECT, start=now() - timedelta(minutes=10))
            await until(lambda: house.rainbow.record.questions, within=60)
            EARS.seen.clear()
            async with house.browser() as browser:
                async with browser.get(f"/people/{ada.id}/told") as answer:
                    assert SUBJECT in await answer.text()
                assert EARS.seen["preview", Kind.SUBJECT]
                assert EARS.leaks == []
                async with browser.get("/people", params={"text": SUBJECT}) as answer:
                    assert SUBJECT in await answer.text(), "what somebody searches for is repeated"

            metrics, status = daemon.metrics(), daemon.status()
            monkeypatch.setattr(daemon, "metrics", lambda: metrics + f'{{of="{SUBJECT}"}}'.encode())
            monkeypatch.setattr(daemon, "status", lambda: status | {"of": TEXT})
            (tmp_path / "history.db.aside").write_bytes(b"\0\xff" + SUBJECT.encode())
            (tmp_path / "made.json").write_text(str(house.rainbow.password), encoding="utf-8")
        said = {each.split(" shows ")[0].split(" /")[0] for each in EARS.leaks}
        assert said == {"metrics ", "status ", "page", "file history.db.aside", "file made.json"}

    virtually(test)


def test_what_is_too_short_or_ours_is_not_looked_for_and_all_else_is() -> None:
    kept = Kept()
    kept.keep(Kind.SUBJECT, "", None, "1:1", "Busy", "Private appointment", "planning", "lunch with", "Résumé 7")
    kept.keep(Kind.TEXT, "<x>Überall 9</x>")
    assert len(kept) == 2
    assert kept.found("private appointment, planning, lunch with resume 7") == []
    assert set(kept.found('{"a": "Résumé 7, Überall 9"}')) == {(Kind.SUBJECT, "Résumé 7"), (Kind.TEXT, "Überall 9")}
    kept.keep(Kind.KEY, "4711" * 16)
    kept.keep(Kind.TEXT, "A reply of many words " * 9)
    assert kept.found(f"nonce={'4711' * 16}") == [(Kind.KEY, "4711" * 16)]
    assert kept.found("A reply of many words A reply of many words A reply of many w…")
    kept.forget()
    assert kept.found("Résumé 7") == []


def test_each_place_that_is_allowed_is_explained() -> None:
    page = (ROOT / "docs" / "explanation" / "privacy.md").read_text(encoding="utf-8")
    assert [sentence for sentence in set(ALLOWED.values()) if sentence not in page] == []
