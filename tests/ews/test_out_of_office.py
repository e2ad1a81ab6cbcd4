import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rainbow_exchange.ews import soap
from rainbow_exchange.ews.errors import (
    MalformedResponse,
    ResponseError,
    ServerBusy,
)
from rainbow_exchange.ews.out_of_office import (
    Tip,
    TipsRead,
    mail_tips_limit,
    read_mail_tips,
    read_oof_settings,
)
from rainbow_exchange.ews.soap import build
from rainbow_exchange.ews.types import ConnectingSid, Operation
from rainbow_exchange.model import Audience, Mailbox, OofState, OutOfOffice
from rainbow_exchange.pause import Gate

FOLDER = Path(__file__).parents[2] / "fixtures" / "ews"
ADA = Mailbox(address="ada@acme.test")
TIPS = "Exchange2019/get_mail_tips/four_recipients"
R = TypeVar("R")


class Played:
    """Gives its answer to every question, and keeps what was asked and whose mailbox it was about."""

    def __init__(self, answer: str | bytes) -> None:
        self.answer = answer if isinstance(answer, bytes) else (FOLDER / f"{answer}.xml").read_bytes()
        self.asked: list[bytes] = []
        self.anchors: list[str | None] = []

    async def call(
        self,
        operation: Operation[R],
        *,
        impersonate: ConnectingSid | None = None,
        anchor: str | None = None,
        affinity: Any = None,
    ) -> R:
        assert affinity is None
        self.asked.append(build(operation, impersonate=impersonate))
        self.anchors.append(anchor)
        result, _version = await Gate().through(soap.read(operation, self.answer))
        return result


async def test_tips_are_plain_and_each_mailbox_has_its_own() -> None:
    client = Played(TIPS)
    addresses = ["ada@acme.test", "bob@acme.test", "cyd@acme.test", "dan@acme.test"]
    tips = await read_mail_tips(client, addresses, sending_as="rainbow@acme.test", impersonate=None)
    assert list(tips) == addresses
    assert tips["ada@acme.test"] == Tip(
        out=True,
        text="Back on Monday",
        start=datetime(2026, 3, 2, 17, tzinfo=UTC),
        end=datetime(2026, 3, 9, 7, tzinfo=UTC),
    )
    assert tips["bob@acme.test"] == Tip(out=False)
    assert tips["cyd@acme.test"] == Tip(out=False, pending=True)
    assert isinstance(tips["dan@acme.test"], ResponseError)
    assert client.anchors == [None]
    assert b"ConnectingSID" not in client.asked[0]


async def test_an_answer_that_is_the_same_byte_for_byte_is_not_read_anew() -> None:
    client, before = Played(TIPS), TipsRead()
    addresses = ["ada@acme.test", "bob@acme.test", "cyd@acme.test", "dan@acme.test"]

    async def ask(addresses: list[str]) -> dict[str, Any]:
        return await read_mail_tips(client, addresses, sending_as="x@acme.test", impersonate=None, before=before)

    first = await ask(addresses)
    again = await ask(addresses)
    assert list(again) == addresses
    assert all(again[address] is first[address] for address in addresses)
    client.answer = client.answer.replace(b"Back on", b"Gone to")
    changed = await ask(addresses)
    assert changed["ada@acme.test"].text == "Gone to Monday"
    assert (await ask(addresses))["ada@acme.test"] is changed["ada@acme.test"]
    fewer = await ask(addresses[1:])  # the same bytes about other people say something else
    assert fewer["bob@acme.test"] == Tip(out=False)
    assert isinstance(fewer["dan@acme.test"], MalformedResponse)


async def test_an_answer_that_was_refused_or_is_nobodys_changes_nothing_of_what_is_known() -> None:
    client, before = Played(TIPS), TipsRead()

    async def ask() -> dict[str, Any]:
        asked = ["ada@acme.test", "bob@acme.test", "cyd@acme.test", "dan@acme.test"]
        return await read_mail_tips(client, asked, sending_as="x@acme.test", impersonate=None, before=before)

    first, known = await ask(), client.answer
    client.answer = Played("Exchange2019/get_mail_tips/disabled").answer
    for _ in range(2):  # the second is refused like the first
        with pytest.raises(ResponseError):
            await ask()
    client.answer = known[:-20]
    for _ in range(2):
        with pytest.raises(MalformedResponse):
            await ask()
    client.answer = known
    assert (await ask())["ada@acme.test"] is first["ada@acme.test"]


async def test_that_the_server_is_busy_is_read_each_time() -> None:
    client, before = Played(TIPS), TipsRead()
    client.answer = client.answer.replace(b"ErrorMailRecipientNotFound", b"ErrorServerBusy")
    asked = ["ada@acme.test", "bob@acme.test", "cyd@acme.test", "dan@acme.test"]
    found = [
        (await read_mail_tips(client, asked, sending_as="x@acme.test", impersonate=None, before=before))[asked[3]]
        for _ in range(2)
    ]
    assert all(isinstance(each, ServerBusy) for each in found)
    assert found[0] is not found[1]


async def test_tips_are_matched_by_address_before_place() -> None:
    client = Played(TIPS)
    addresses = ["CYD@acme.test", "dan@acme.test", "bob@acme.test", "ada@acme.test"]
    tips = await read_mail_tips(client, addresses, sending_as="rainbow@acme.test", impersonate=ADA)
    assert tips["CYD@acme.test"] == Tip(out=False, pending=True)
    assert tips["bob@acme.test"] == Tip(out=False)
    assert isinstance(tips["ada@acme.test"], Tip)
    assert tips["ada@acme.test"].out
    assert isinstance(tips["dan@acme.test"], MalformedResponse)  # the one in its place is Bob's
    assert client.anchors == ["ada@acme.test"]
    assert b"<t:PrimarySmtpAddress>ada@acme.test</t:PrimarySmtpAddress>" in client.asked[0]


async def test_a_missing_tip_is_an_error_and_never_not_out() -> None:
    tips = await read_mail_tips(
        Played(TIPS), ["ada@acme.test", "eve@acme.test"], sending_as="r@a.test", impersonate=None
    )
    assert isinstance(tips["ada@acme.test"], Tip)
    assert isinstance(tips["eve@acme.test"], MalformedResponse)


async def test_a_scheduled_absence_is_told_whole() -> None:
    client = Played("Exchange2019/get_user_oof_settings/scheduled")
    assert await read_oof_settings(client, ADA, impersonate=True) == OutOfOffice(
        state=OofState.SCHEDULED,
        start=datetime(2026, 3, 2, 17, tzinfo=UTC),
        end=datetime(2026, 3, 9, 7, tzinfo=UTC),
        internal_text="Bonjour,\n\nAbsent jusqu'à lundi.\nUrgences : l'équipe & le standard",
        external_text="Away.\nBack on Monday.",
        audience=Audience.KNOWN,
    )
    assert b"ConnectingSID" in client.asked[0]
    assert client.anchors == ["ada@acme.test"]


@pytest.mark.parametrize(
    ("allowed", "told"),
    [(b"All", Audience.KNOWN), (b"Known", Audience.KNOWN), (b"None", Audience.NONE), (b"", Audience.KNOWN)],
)
async def test_nobody_gets_a_reply_whom_the_company_does_not_let_have_one(allowed: bytes, told: Audience) -> None:
    whole = (FOLDER / "Exchange2019/get_user_oof_settings/scheduled.xml").read_bytes()
    said = re.sub(rb"(<AllowExternalOof)>\w+<", rb"\1>" + allowed + b"<", whole)
    assert b"<AllowExternalOof>%b<" % allowed in said
    assert (await read_oof_settings(Played(said), ADA, impersonate=True)).audience is told


async def test_of_an_absence_that_is_off_neither_times_nor_texts_are_kept() -> None:
    client = Played("Exchange2019/get_user_oof_settings/stale_duration")
    assert await read_oof_settings(client, ADA, impersonate=False) == OutOfOffice(state=OofState.DISABLED)
    assert b"ConnectingSID" not in client.asked[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"2026-03-02T17:00:00", b""), (b"2026-03-09T07:00:00.0000000Z", b""), (b">Scheduled<", b">Perhaps<")],
)
async def test_a_state_that_cannot_be_told_is_an_error(before: bytes, after: bytes) -> None:
    whole = (FOLDER / "Exchange2019/get_user_oof_settings/scheduled.xml").read_bytes()
    with pytest.raises(MalformedResponse):
        await read_oof_settings(Played(whole.replace(before, after)), ADA, impersonate=True)


@pytest.mark.parametrize(("case", "limit"), [("fifty", 50), ("plenty", 100), ("disabled", 0), ("silent", 100)])
async def test_the_limit_is_the_servers_but_at_most_a_hundred(case: str, limit: int) -> None:
    assert await mail_tips_limit(Played(f"Exchange2019/get_service_configuration/{case}")) == limit


async def test_a_tip_without_the_absence_is_missing_and_not_not_out() -> None:
    whole = (FOLDER / f"{TIPS}.xml").read_bytes()
    bare = re.sub(rb"<(\w+:)?OutOfOffice>.*?</(\w+:)?OutOfOffice>", b"", whole, flags=re.DOTALL)
    addresses = ["ada@acme.test", "bob@acme.test", "cyd@acme.test", "dan@acme.test"]
    tips = await read_mail_tips(Played(bare), addresses, sending_as="rainbow@acme.test", impersonate=None)
    assert tips["ada@acme.test"] == Tip(out=False, missing=True)
    assert tips["bob@acme.test"] == Tip(out=False, missing=True)
    assert tips["cyd@acme.test"] == Tip(out=False, pending=True)


async def test_a_server_that_refuses_mail_tips_has_none() -> None:
    answer = (
        b"<Envelope><Body><GetServiceConfigurationResponse ResponseClass='Error'>"
        b"<ResponseCode>%s</ResponseCode></GetServiceConfigurationResponse></Body></Envelope>"
    )
    assert await mail_tips_limit(Played(answer % b"ErrorMailTipsDisabled")) == 0
    assert await mail_tips_limit(Played(answer % b"ErrorInvalidRequest")) == 100  # it may give them all the same
    assert await mail_tips_limit(Played(b"<Envelope><Body><Other/></Body></Envelope>")) == 100
    with pytest.raises(ResponseError, match="ErrorServerBusy"):
        await mail_tips_limit(Played(answer % b"ErrorServerBusy"))
