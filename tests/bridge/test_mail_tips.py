"""What mail tips are worth at servers that refuse them, wholly or for somebody, or leave the absence out."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.bridge.out_of_office import OutOfOfficeWatch
from rainbow_exchange.bridge.unreadable import Unreadable
from rainbow_exchange.ews.errors import EwsConnectionError, EwsError, MalformedResponse, ResponseError, ServerBusy
from rainbow_exchange.ews.operations.get_mail_tips import GetMailTips, MailTip
from rainbow_exchange.ews.operations.get_service_configuration import GetServiceConfiguration, ServiceConfiguration
from rainbow_exchange.ews.operations.get_user_oof_settings import GetUserOofSettings, OofSettings
from rainbow_exchange.model import Mailbox, OofState, OutOfOffice

if TYPE_CHECKING:
    from tests.bridge.conftest import Kit, Scripted

ANN, BOB = "ann@acme.test", "bob@acme.test"
DISABLED = OutOfOffice(state=OofState.DISABLED)
AWAY = OutOfOffice(state=OofState.ENABLED, internal_text="away")
REFUSED = ResponseError("ErrorInvalidRequest", fault=True)
HOUR = 3600.0


class Server:
    """An EWS server that is not Exchange: `away` are out; the rest are its quirks."""

    def __init__(self, kit: "Kit") -> None:
        self.away: set[str] = set()
        self.configuration: EwsError | None = None
        self.tips: EwsError | None = None
        self.bad: set[str] = set()  # a request with one of these is refused as a whole
        self.limit = 1000
        self.absence_left_out: set[str] = set()
        self.settings: EwsError | None = None
        self.settings_take = self.settings_late = 0.0
        self.no_tip_of_oneself = False
        self.calls: Scripted = kit.scripted(self._answer)

    async def _answer(self, operation: Any, _impersonated: Any) -> Any:
        match operation:
            case GetServiceConfiguration():
                if self.configuration:
                    raise self.configuration
                return ServiceConfiguration(mail_tips_enabled=None, max_recipients_per_mail_tips_request=None)
            case GetMailTips(addresses=addresses, sending_as=asker):
                if self.tips:
                    raise self.tips
                if self.bad & set(addresses) or len(addresses) > self.limit:
                    raise REFUSED
                return tuple(
                    MailTip(address=address, message_html="")
                    if self.no_tip_of_oneself and address == asker
                    else self._tip(address)
                    for address in addresses
                )
            case GetUserOofSettings(address=address):
                await asyncio.sleep(self.settings_take)
                if self.settings:
                    raise self.settings
                out = address in self.away
                late, self.settings_late = self.settings_late, 0.0
                await asyncio.sleep(late)
                return OofSettings(oof_state="Enabled" if out else "Disabled", internal_html="away" if out else "")
        raise AssertionError(operation)

    def _tip(self, address: str) -> MailTip:
        if address in self.absence_left_out:
            return MailTip(address=address)
        return MailTip(address=address, message_html="away" if address in self.away else "")

    def asked(self) -> list[tuple[str, ...]]:
        """Tell whose tips each request was about."""
        return [call.addresses for call in self.calls.calls if isinstance(call, GetMailTips)]

    def count(self, kind: type) -> int:
        return sum(isinstance(call, kind) for call in self.calls.calls)


class Bench:
    """A watch over that server."""

    def __init__(self, kit: "Kit", *, impersonation: bool) -> None:
        self.server = Server(kit)
        self.watch = OutOfOfficeWatch(
            self.server.calls,
            impersonation=impersonation,
            sending_as="svc@acme.test",
            changed=lambda _: None,
            held_back=lambda: 0.0,
            now=kit.now,
            random=kit.half,
        )

    def add(self, *addresses: str) -> None:
        for address in addresses:
            self.watch.add(Mailbox(address=address))

    def states(self, *addresses: str) -> list[OutOfOffice | None]:
        return [self.watch.current(address) for address in addresses]

    async def refusal(self, address: str = ANN) -> str:
        with pytest.raises(ResponseError) as raised:
            await self.watch.read(address)
        return raised.value.code


@pytest.fixture
def make_bench(kit: "Kit") -> Callable[..., Bench]:
    return lambda *, impersonation=False: Bench(kit, impersonation=impersonation)


MakeBench = Callable[..., Bench]


@pytest.mark.parametrize("impersonation", [True, False])
@pytest.mark.parametrize(
    "refusal",
    [REFUSED, MalformedResponse("no answer"), EwsConnectionError("http-500", "x"), EwsConnectionError("http-404", "x")],
)
async def test_tips_are_tried_where_their_configuration_is_refused(
    kit: "Kit", make_bench: MakeBench, refusal: EwsError, *, impersonation: bool
) -> None:
    bench = make_bench(impersonation=impersonation)
    bench.server.configuration = refusal
    names = [f"u{number}@acme.test" for number in range(150)]
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await asyncio.sleep(20)
        assert [len(each) for each in bench.server.asked()] == [100, 50]
        bench.server.away = {"u7@acme.test"}
        await kit.until(lambda: bench.watch.current("u7@acme.test") == AWAY, limit=65)
    assert bench.watch.unreadable() is None


async def test_a_server_that_is_busy_is_asked_for_its_configuration_again(kit: "Kit", make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.server.configuration = ServerBusy("ErrorServerBusy")
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await asyncio.sleep(200)
        assert bench.server.asked() == []
        bench.server.configuration = None
        await kit.until(lambda: bench.states(ANN) == [DISABLED], limit=65)


@pytest.mark.parametrize("missing", ["refused", "left out"])
async def test_where_there_are_no_tips_settings_are_read_in_turn_and_tips_tried_hourly(
    kit: "Kit", make_bench: MakeBench, missing: str
) -> None:
    bench = make_bench(impersonation=True)
    if missing == "refused":
        bench.server.tips = REFUSED
    else:
        bench.server.absence_left_out = {ANN, BOB}
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await asyncio.sleep(130)
        bench.server.away = {ANN}
        await kit.until(lambda: bench.states(ANN, BOB) == [AWAY, DISABLED], limit=65)
        bench.server.away = {BOB}
        await kit.until(lambda: bench.states(ANN, BOB) == [DISABLED, AWAY], limit=65)
        asked = len(bench.server.asked())
        await asyncio.sleep(2.5 * HOUR)
        assert 2 <= len(bench.server.asked()) - asked <= 6
        # and from the next try on they count again, as does what they say
        bench.server.tips, bench.server.absence_left_out = None, set()
        await asyncio.sleep(HOUR + 120)
        read = bench.server.count(GetUserOofSettings)
        await asyncio.sleep(600)
        assert bench.server.count(GetUserOofSettings) - read <= 2  # hourly for the one who is out
        bench.server.away = {ANN, BOB}
        await kit.until(lambda: bench.states(ANN, BOB) == [AWAY, AWAY], limit=65)
        await asyncio.sleep(25 * HOUR)
        bench.server.away = set()  # settings are still read in time
        await kit.until(lambda: bench.states(ANN, BOB) == [DISABLED, DISABLED], limit=65)
    assert bench.watch.unreadable() is None


@pytest.mark.parametrize("missing", ["refused", "left out", "disabled"])
async def test_without_tips_and_without_impersonation_nothing_is_known(
    kit: "Kit", make_bench: MakeBench, missing: str
) -> None:
    bench = make_bench()
    bench.server.tips = {
        "refused": REFUSED,
        "disabled": ResponseError("ErrorMailTipsDisabled"),
    }.get(missing)
    bench.server.absence_left_out = {ANN, BOB} if missing == "left out" else set()
    code = {"refused": "ErrorInvalidRequest", "disabled": "ErrorMailTipsDisabled"}.get(missing, "MailTipNotKnown")
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        assert await bench.refusal() == code
        await asyncio.sleep(130)
        asked = len(bench.server.asked())
        assert await bench.refusal() == code
        assert len(bench.server.asked()) == asked, "a question asks for no tips where there are none"
        assert bench.states(ANN, BOB) == [None, None]
        assert bench.watch.unreadable() == Unreadable(2, code, none=True)
        bench.server.tips, bench.server.absence_left_out = None, set()
        await asyncio.sleep(HOUR + 180)
        assert bench.states(ANN, BOB) == [DISABLED, DISABLED]
    assert bench.watch.unreadable() is None


async def test_what_tips_told_before_they_were_switched_off_is_not_told_for_ever(
    kit: "Kit", make_bench: MakeBench
) -> None:
    bench = make_bench()
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await asyncio.sleep(10)
        assert await bench.watch.read(ANN) == DISABLED
        bench.server.tips = REFUSED
        await asyncio.sleep(200)
        assert await bench.refusal() == "ErrorInvalidRequest"


@pytest.mark.parametrize(
    "trouble",
    [MalformedResponse("half"), EwsConnectionError("http-500", "x"), ResponseError("ErrorInternalServerError")],
)
async def test_trouble_that_may_be_the_whole_server_s_keeps_what_tips_told_and_is_tried_again_within_minutes(
    kit: "Kit", make_bench: MakeBench, trouble: EwsError
) -> None:
    """Answers that break off, or a web server's 500, say nothing about tips."""
    bench = make_bench()
    async with kit.running(bench.watch.run()):
        bench.server.away = {ANN}
        bench.add(ANN, BOB)
        await kit.until(lambda: bench.states(ANN, BOB) == [AWAY, DISABLED], limit=65)
        bench.server.tips = bench.server.configuration = trouble
        await asyncio.sleep(600)
        assert [await bench.watch.read(each) for each in (ANN, BOB)] == [AWAY, DISABLED]
        bench.server.tips = bench.server.configuration = None
        bench.server.away = {BOB}
        await kit.until(lambda: bench.states(ANN, BOB) == [DISABLED, AWAY], limit=370)


async def test_an_outage_is_no_reason_to_give_up_tips_and_what_they_told_holds_for_twelve_hours(
    kit: "Kit", make_bench: MakeBench
) -> None:
    bench = make_bench()
    async with kit.running(bench.watch.run()):
        bench.add(ANN)
        await asyncio.sleep(10)
        bench.server.tips = EwsConnectionError("refused")
        await asyncio.sleep(11 * HOUR)
        assert await bench.watch.read(ANN) == DISABLED
        await asyncio.sleep(1.1 * HOUR)
        with pytest.raises(EwsConnectionError):
            await bench.watch.read(ANN)
        assert bench.watch.unreadable() is None  # nothing was refused
        bench.server.tips = None
        bench.server.away = {ANN}
        await kit.until(lambda: bench.states(ANN) == [AWAY], limit=65)


@pytest.mark.parametrize("impersonation", [True, False])
async def test_one_bad_recipient_harms_no_other(kit: "Kit", make_bench: MakeBench, *, impersonation: bool) -> None:
    names = [f"u{number:02}@acme.test" for number in range(80)]
    bench = make_bench(impersonation=impersonation)
    bench.server.bad = {names[33]}
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await asyncio.sleep(50)
        others = [name for name in names if name != names[33]]
        assert bench.states(*others) == [DISABLED] * 79
        asked = len(bench.server.asked())
        assert asked <= 20
        bench.server.away = {names[33], names[34]}
        await kit.until(lambda: bench.states(names[34]) == [AWAY], limit=65)
        await asyncio.sleep(120)
        assert [len(each) for each in bench.server.asked()[asked:]][:2] == [79, 79]
        if impersonation:
            assert bench.states(names[33]) == [AWAY]  # by its settings, each minute
            assert bench.watch.unreadable() is None
        else:
            assert bench.states(names[33]) == [None]
            assert bench.watch.unreadable() == Unreadable(1, "ErrorInvalidRequest", none=False)
        bench.server.bad = set()
        await asyncio.sleep(HOUR + 120)
        assert len(bench.server.asked()[-1]) == 80
        assert bench.states(names[33]) == [AWAY]


async def test_whoever_is_out_does_not_ask_about_himself(kit: "Kit", make_bench: MakeBench) -> None:
    bench = make_bench(impersonation=True)
    abe = "abe@acme.test"
    bench.server.away, bench.server.no_tip_of_oneself = {abe, ANN}, True
    bench.server.settings = ResponseError("ErrorAccessDenied")
    bench.add(abe, ANN, BOB)
    async with kit.running(bench.watch.run()):
        await asyncio.sleep(200)  # by then somebody else has asked
        for _ in range(60):
            assert bench.states(abe, ANN, BOB) == [AWAY, AWAY, DISABLED]
            await asyncio.sleep(60)


async def test_a_request_that_is_too_big_is_halved_for_good(kit: "Kit", make_bench: MakeBench) -> None:
    names = [f"u{number:02}@acme.test" for number in range(80)]
    bench = make_bench()
    bench.server.configuration, bench.server.limit = REFUSED, 40
    async with kit.running(bench.watch.run()):
        bench.add(*names)
        await asyncio.sleep(50)
        assert bench.states(*names) == [DISABLED] * 80
        asked = len(bench.server.asked())
        await asyncio.sleep(60)
        assert [len(each) for each in bench.server.asked()[asked:]] == [40, 40]


async def test_settings_that_are_refused_where_there_are_no_tips_are_said(kit: "Kit", make_bench: MakeBench) -> None:
    bench = make_bench(impersonation=True)
    bench.server.tips, bench.server.settings = REFUSED, ResponseError("ErrorAccessDenied")
    async with kit.running(bench.watch.run()):
        bench.add(ANN, BOB)
        await asyncio.sleep(200)
        assert bench.watch.unreadable() == Unreadable(2, "ErrorAccessDenied", none=True)
        assert await bench.refusal() == "ErrorAccessDenied"
        bench.server.settings = None
        await asyncio.sleep(700)
        assert bench.states(ANN, BOB) == [DISABLED, DISABLED]
    assert bench.watch.unreadable() is None


async def test_settings_that_did_not_come_in_time_are_read_again(kit: "Kit", make_bench: MakeBench) -> None:
    bench = make_bench(impersonation=True)
    bench.server.away, bench.server.absence_left_out, bench.server.settings_take = {ANN}, {ANN}, 40.0
    bench.add(ANN, BOB)
    async with kit.running(bench.watch.run()):
        await asyncio.sleep(600)
        assert bench.states(ANN, BOB) == [None, None]
        bench.server.settings_take = 0.0
        await kit.until(lambda: bench.states(ANN) == [AWAY], limit=660)


async def test_settings_that_are_overtaken_by_newer_ones_do_not_count(kit: "Kit", make_bench: MakeBench) -> None:
    bench = make_bench(impersonation=True)
    bench.server.away, bench.server.absence_left_out, bench.server.settings_late = {ANN}, {ANN}, 5.0
    bench.add(ANN)
    async with kit.running(bench.watch.run()):
        await kit.until(lambda: bench.server.count(GetUserOofSettings) == 1)
        await asyncio.sleep(1)
        bench.server.away = set()
        assert await bench.watch.read(ANN) == DISABLED
        await asyncio.sleep(10)
        assert bench.states(ANN) == [DISABLED]


async def test_the_tip_answers_a_question_that_settings_do_not_in_time(kit: "Kit", make_bench: MakeBench) -> None:
    bench = make_bench(impersonation=True)
    bench.server.away, bench.server.settings_take = {ANN}, 20.0
    bench.add(ANN, BOB)
    async with kit.running(bench.watch.run()):
        await kit.until(lambda: bench.server.count(GetUserOofSettings) == 1)
        async with asyncio.timeout(7):
            assert await bench.watch.read(ANN) == AWAY
        async with asyncio.timeout(7):
            with pytest.raises(TimeoutError, match=r"^$"):  # he may be away without a text
                await bench.watch.read(BOB)
