"""Which mailbox a user gets: four identifiers in their order, against the lab's Exchange."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, ClientTimeout, web

from rainbow_exchange.bridge.enrolment import Enrolment
from rainbow_exchange.bridge.finding import Known
from rainbow_exchange.bridge.read_mode import Mode
from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind, Member, Roster, Try
from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.client import EwsClient
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError
from rainbow_exchange.ews.sites import Sites
from rainbow_exchange.ews.watcher import Watcher
from rainbow_exchange.lab.exchange import LabMailbox
from rainbow_exchange.model import ChangeSignal, Mailbox
from rainbow_exchange.rainbow.types import RainbowUser

if TYPE_CHECKING:
    from tests.bridge.conftest import Exchange, Kit, MakeExchange

#: told a request's body; the HTTP status to answer it with, None to pass it on
Front = Callable[[bytes], Awaitable[int | None]]


@asynccontextmanager
async def fronted(kit: "Kit", exchange: "Exchange", front: Front) -> AsyncIterator["Exchange"]:
    """A proxy of the test's own in front of the lab, and a client that goes through it."""

    async def pass_on(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if status := await front(body):
            return web.Response(status=status, text="no")
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        async with direct.post(exchange.lab.url, data=body, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "text/xml"})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    app = web.Application()
    app.router.add_post("/EWS/Exchange.asmx", pass_on)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/EWS/Exchange.asmx"
    async with (
        ClientSession(timeout=ClientTimeout(total=None)) as direct,
        EwsClient(url=url, auth=BasicAuth("svc-rainbow", "lab-password"), ssl=None, now=kit.now) as client,
    ):
        try:
            yield type(exchange)(exchange.lab, client)
        finally:
            await runner.cleanup()


LOGIN, WORK = IdentifierKind.LOGIN, IdentifierKind.WORK
PERSONAL, EXTERNAL_UID = IdentifierKind.PERSONAL, IdentifierKind.EXTERNAL_UID


def person(name: str, login: str | None = None, **more: Any) -> RainbowUser:
    return RainbowUser(id=name, login_email=login if login is not None else f"{name}@acme.test", **more)


class Bench:
    """An enrolment over a roster, and what it said."""

    def __init__(
        self,
        kit: "Kit",
        exchange: "Exchange",
        *,
        impersonation: bool = True,
        known: dict[str, Known] | None = None,
        whole: bool = True,
    ) -> None:
        self.whole = whole
        self.kit = kit
        self.exchange = exchange
        self.signals: list[ChangeSignal] = []
        self.enrolled: list[tuple[str, Mode | None]] = []
        self.evicted: list[tuple[str, str]] = []
        self.roster = Roster()
        self.watcher = Watcher(
            exchange.client, impersonation=impersonation, emit=self.signals.append, now=kit.now, random=kit.half
        )
        self.enrolment = Enrolment(
            client=exchange.client,
            watcher=self.watcher,
            roster=self.roster,
            impersonation=impersonation,
            known=known or {},
            enrolled=lambda member, mode: self.enrolled.append((member.user.id, mode)),
            locate=Sites(None, exchange.client.prove).ready,
            evicted=self._evict,
            whole=lambda: self.whole,
            failed=lambda _: None,
            now=kit.now,
            random=kit.half,
        )

    def _evict(self, member: Member, address: str) -> None:
        self.evicted.append((member.user.id, address))
        self.enrolment.want(member)

    def listed(self, *users: RainbowUser) -> None:
        changes = self.roster.replace(users)
        for member in (*changes.removed, *changes.changed):
            self.enrolment.forget(member)
            if member.mailbox:
                self.enrolment.unsubscribe(member.mailbox.address)
        for member in changes.changed:
            self.roster.release(member, coverage=Coverage.PENDING)
        for member in (*changes.added, *changes.changed, *changes.freed):
            self.enrolment.want(member)

    def member(self, name: str) -> Member:
        found = self.roster.get(name)
        assert found is not None
        return found

    def address(self, name: str) -> str | None:
        mailbox = self.member(name).mailbox
        return mailbox.address if mailbox else None

    async def settled(self, *names: str) -> None:
        await self.kit.until(lambda: all(self.member(name).coverage is not Coverage.PENDING for name in names))
        await self.kit.until(lambda: self.enrolment.waiting() == 0)

    def subscribed(self) -> list[tuple[str, str]]:
        """Tell whom each Subscribe impersonated (or named), and its code."""
        return [
            (each["impersonated"] or each["mailboxes"][0], each["code"]) for each in self.exchange.requests("Subscribe")
        ]

    @asynccontextmanager
    async def at_work(self, *users: RainbowUser) -> AsyncIterator["Bench"]:
        async with self.kit.running(self.enrolment.run(), self.watcher.run()):
            self.listed(*users)
            yield self


MISSING = "ErrorNonExistentMailbox"


async def test_the_login_is_tried_first_and_suffices(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", "ab@acme.test")
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ab@acme.test",))) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann@acme.test", "NoError")]
        assert bench.member("ann").identifier == Identifier(LOGIN, "ann@acme.test")
        assert bench.enrolled == [("ann", None)]
        await kit.until(lambda: bench.watcher.coverage("ann@acme.test") == "streamed")


async def test_before_everybody_is_listed_logins_alone_are_tried(kit: "Kit", make_exchange: "MakeExchange") -> None:
    """A work address or an alias may prove to be another's, who is listed later; for a login there is no such."""
    eves = LabMailbox(address="eve@acme.test", aliases=("ev@acme.test",))
    exchange = await make_exchange("ann@acme.test", "bo@acme.test", eves)
    early = (person("ann"), person("bob", work_emails=("bo@acme.test",)), person("ev"))
    async with Bench(kit, exchange, whole=False).at_work(*early) as bench:
        await kit.until(lambda: len(bench.subscribed()) == 3)
        await asyncio.sleep(60)
        assert bench.enrolled == [("ann", None)]
        assert [bench.member(name).coverage for name in ("bob", "ev")] == [Coverage.PENDING] * 2
        assert bench.enrolment.waiting() == 2
        bench.listed(*early, person("eve"))
        bench.whole = True
        bench.enrolment.everybody_listed()
        await bench.settled("bob", "ev", "eve")
        assert [bench.address(name) for name in ("ann", "bob", "eve", "ev")] == [
            "ann@acme.test",
            "bo@acme.test",
            "eve@acme.test",
            None,
        ]
        assert bench.evicted == []
        # nothing is asked for twice
        assert [name for name, _ in bench.subscribed()].count("bob@acme.test") == 1


async def test_who_is_asked_for_is_tried_wholly_before_everybody_is_listed(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange("bo@acme.test")
    async with Bench(kit, exchange, whole=False).at_work() as bench:
        bob = bench.roster.add(person("bob", work_emails=("bo@acme.test",)))[0]
        await bench.enrolment.settle(bob)
        assert bench.address("bob") == "bo@acme.test"


async def test_who_was_asked_for_in_vain_is_tried_again_once_everybody_is_listed(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    """A personal address counts in a domain of the company's, which those who come later may be the first to have."""
    exchange = await make_exchange("bob@other.test")
    async with Bench(kit, exchange, whole=False).at_work() as bench:
        bob = bench.roster.add(person("bob", personal_emails=("bob@other.test",)))[0]
        await bench.enrolment.settle(bob)
        assert bench.address("bob") is None
        bench.roster.add(person("ann", "ann@other.test"))
        bench.whole = True
        bench.enrolment.everybody_listed()
        await kit.until(lambda: bench.address("bob") == "bob@other.test", limit=5)


async def test_what_a_login_was_refused_with_is_forgotten_with_whose_it_was(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange("ann@acme.test")
    async with Bench(kit, exchange, whole=False).at_work(person("bob")) as bench:
        await kit.until(lambda: ("bob@acme.test", "ErrorNonExistentMailbox") in bench.subscribed())
        exchange.lab.directory.add(LabMailbox(address="bob@acme.test"))
        bench.listed()
        bench.listed(person("bob"))
        bench.whole = True
        bench.enrolment.everybody_listed()
        await kit.until(lambda: bench.address("bob") == "bob@acme.test")


async def test_a_login_that_led_to_another_mailbox_before_leads_there_at_once(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(LabMailbox(address="ann.b@acme.test", aliases=("ann@acme.test",)))
    known = Known(identifier=Identifier(LOGIN, "ann@acme.test"), mailbox=Mailbox(address="ann.b@acme.test"))
    async with Bench(kit, exchange, known={"ann": known}, whole=False).at_work(person("ann")) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann.b@acme.test", "NoError")]


@pytest.mark.parametrize(
    ("mailbox", "kind", "tries"),
    [
        ("login@acme.test", LOGIN, 1),
        ("work@acme.test", WORK, 2),
        ("personal@acme.test", PERSONAL, 3),
        ("uid@acme.test", EXTERNAL_UID, 4),
    ],
)
async def test_four_identifiers_in_their_order(
    kit: "Kit", make_exchange: "MakeExchange", mailbox: str, kind: IdentifierKind, tries: int
) -> None:
    exchange = await make_exchange(mailbox)
    ann = person(
        "ann",
        "login@acme.test",
        work_emails=("work@acme.test",),
        personal_emails=("personal@acme.test",),
        external_uid="uid@acme.test",
    )
    async with Bench(kit, exchange).at_work(ann) as bench:
        await bench.settled("ann")
        names = ["login@acme.test", "work@acme.test", "personal@acme.test", "uid@acme.test"]
        assert [name for name, _ in bench.subscribed()] == names[:tries]
        assert bench.member("ann").identifier == Identifier(kind, names[tries - 1])
        assert [each.code for each in bench.member("ann").tries] == [MISSING] * (tries - 1)


async def test_whoever_has_no_mailbox_is_tried_again_the_next_day(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange()
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await bench.settled("ann")
        ann = bench.member("ann")
        assert (ann.coverage, ann.reason) == (Coverage.FAILED, "no-mailbox")
        assert ann.tries == [Try(Identifier(LOGIN, "ann@acme.test"), MISSING)]
        assert ann.next_try is not None
        assert timedelta(hours=23) < ann.next_try - kit.now() <= timedelta(days=1)
        exchange.lab.directory.add(LabMailbox(address="ann@acme.test"))
        bench.enrolment.want_at(ann, kit.now() + timedelta(seconds=90))
        await asyncio.sleep(80)
        assert bench.address("ann") is None
        await asyncio.sleep(15)
        assert bench.address("ann") == "ann@acme.test"


async def test_a_personal_address_elsewhere_is_skipped_and_shown(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@home.test")
    async with Bench(kit, exchange).at_work(person("ann", personal_emails=("ann@home.test",))) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann@acme.test", MISSING)]
        assert [(each.identifier.value, each.code) for each in bench.member("ann").tries] == [
            ("ann@home.test", "domain"),
            ("ann@acme.test", MISSING),
        ]


async def test_a_user_with_nothing_that_could_be_an_address_is_said_so(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange()
    async with Bench(kit, exchange).at_work(person("ann", "no-address")) as bench:
        await bench.settled("ann")
        assert (bench.member("ann").coverage, bench.member("ann").reason) == (Coverage.FAILED, "no-address")
        assert bench.subscribed() == []


# --- aliases, UPNs


async def test_the_primary_address_that_exchange_names_is_followed(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(LabMailbox(address="ann.b@acme.test", aliases=("ann@acme.test",)))
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann@acme.test", "ErrorNonPrimarySmtpAddress"), ("ann.b@acme.test", "NoError")]
        assert bench.member("ann").mailbox == Mailbox(address="ann.b@acme.test")
        assert exchange.requests("ResolveNames") == []


async def test_an_alias_is_resolved_where_exchange_does_not_name_the_primary(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    """Some servers only say that there is no such mailbox."""
    exchange = await make_exchange(
        LabMailbox(address="ann.b@acme.test", aliases=("ann@acme.test",)),
        LabMailbox(address="ann@acme.test.other", display_name="ann@acme.test"),
    )
    exchange.lab.directory.by_proxy.pop("ann@acme.test")  # found in the directory, unknown to Subscribe
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann@acme.test", MISSING), ("ann.b@acme.test", "NoError")]
        assert len(exchange.requests("ResolveNames")) == 1


async def test_a_directory_that_does_not_answer_ends_no_search(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ab@acme.test", faults={"ResolveNames": "ErrorADUnavailable"})
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ab@acme.test",))) as bench:
        await bench.settled("ann")
        assert bench.address("ann") == "ab@acme.test"


async def test_a_remembered_mailbox_in_trouble_is_waited_for(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", mailbox_errors={"ann@acme.test": "ErrorMailboxMoveInProgress"})
    known = Known(identifier=Identifier(LOGIN, "ann@acme.test"), mailbox=Mailbox(address="ann@acme.test"))
    async with Bench(kit, exchange, known={"ann": known}).at_work(person("ann")) as bench:
        await kit.until(lambda: bench.member("ann").failures == 1)
        assert bench.subscribed() == [("ann@acme.test", "ErrorMailboxMoveInProgress")]


async def test_a_upn_goes_only_into_the_connecting_sid(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(LabMailbox(address="ann.b@acme.test", upn="U0017@corp.test"), keep_bodies=True)
    exchange.lab.directory._names.clear()  # no name of the directory leads to it
    async with Bench(kit, exchange).at_work(person("ann", external_uid="U0017@corp.test")) as bench:
        await bench.settled("ann")
        ann = bench.member("ann")
        assert ann.identifier == Identifier(EXTERNAL_UID, "U0017@corp.test")
        assert ann.mailbox is not None
        assert ann.mailbox.principal == "U0017@corp.test"
        bodies = [each["body"] for each in exchange.requests("Subscribe") if each["code"] == "NoError"]
        assert len(bodies) == 1
        assert "PrincipalName>U0017@corp.test</" in bodies[0]
        assert bodies[0].count("U0017@corp.test") == 1
        await kit.until(lambda: bench.watcher.coverage("u0017@corp.test") == "streamed")
        anchors = [each["anchor"] for each in exchange.requests("GetStreamingEvents")]
        anchors += [each["anchor"] for each in exchange.requests("Subscribe") if each["code"] == "NoError"]
        assert set(anchors) == {""}


async def test_a_upn_that_the_directory_knows_is_resolved(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(LabMailbox(address="ann.b@acme.test", aliases=("ab@corp.test",), upn="ab@corp.test"))
    async with Bench(kit, exchange).at_work(person("ann", external_uid="AB@corp.test")) as bench:
        await bench.settled("ann")
        assert bench.member("ann").mailbox == Mailbox(address="ann.b@acme.test")


async def test_a_sid_goes_only_into_the_connecting_sid(kit: "Kit", make_exchange: "MakeExchange") -> None:
    sid = "S-1-5-21-1004336348-1177238915-682003330-1104"
    exchange = await make_exchange(LabMailbox(address="ann.b@acme.test", sid=sid), keep_bodies=True)
    async with Bench(kit, exchange).at_work(person("ann", external_uid=sid)) as bench:
        await bench.settled("ann")
        assert bench.member("ann").mailbox == Mailbox(address=sid.lower(), principal=sid)
        body = next(each["body"] for each in exchange.requests("Subscribe") if each["code"] == "NoError")
        assert f"SID>{sid}</" in body
        assert body.count(sid) == 1


@pytest.mark.parametrize(("uid", "found"), [("Ann.B", True), ("ann", False), ("4711", False)])
async def test_an_external_uid_may_be_an_alias(
    kit: "Kit", make_exchange: "MakeExchange", uid: str, *, found: bool
) -> None:
    exchange = await make_exchange("ann.b@acme.test")
    async with Bench(kit, exchange).at_work(person("ann", "login@acme.test", external_uid=uid)) as bench:
        await bench.settled("ann")
        assert bench.address("ann") == ("ann.b@acme.test" if found else None)
        if not found:
            assert bench.member("ann").reason == "no-mailbox"
            assert bench.member("ann").tries[-1] == Try(Identifier(EXTERNAL_UID, uid), "ErrorNameResolutionNoResults")


async def test_without_impersonation_a_sid_leads_nowhere(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(LabMailbox(address="ann.b@acme.test", sid="S-1-5-21-1"))
    async with Bench(kit, exchange, impersonation=False).at_work(person("ann", external_uid="S-1-5-21-1")) as bench:
        await bench.settled("ann")
        assert bench.member("ann").reason == "no-mailbox"
        assert bench.subscribed() == [("ann@acme.test", MISSING)]


async def test_without_impersonation_an_external_uid_is_tried_as_an_address(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(LabMailbox(address="ab@corp.test", right="reviewer"))
    exchange.lab.directory._names.clear()
    async with Bench(kit, exchange, impersonation=False).at_work(person("ann", external_uid="ab@corp.test")) as bench:
        await bench.settled("ann")
        assert bench.address("ann") == "ab@corp.test"
        assert bench.subscribed() == [("ann@acme.test", MISSING), ("ab@corp.test", "NoError")]


# --- what was remembered


async def test_what_worked_before_costs_exactly_one_subscribe(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann.b@acme.test")
    known = Known(
        identifier=Identifier(WORK, "ab@acme.test"), mailbox=Mailbox(address="ann.b@acme.test"), mode=Mode.BATCHED
    )
    async with Bench(kit, exchange, known={"ann": known}).at_work(
        person("ann", work_emails=("ab@acme.test",))
    ) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann.b@acme.test", "NoError")]
        assert bench.enrolled == [("ann", Mode.BATCHED)]


async def test_what_no_longer_works_is_found_anew(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test")
    known = Known(identifier=Identifier(LOGIN, "ann@acme.test"), mailbox=Mailbox(address="old@acme.test"))
    async with Bench(kit, exchange, known={"ann": known}).at_work(person("ann")) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("old@acme.test", MISSING), ("ann@acme.test", "NoError")]
        assert bench.address("ann") == "ann@acme.test"


async def test_what_is_no_longer_the_users_is_not_tried(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", "old@acme.test")
    known = Known(identifier=Identifier(WORK, "old@acme.test"), mailbox=Mailbox(address="old@acme.test"))
    async with Bench(kit, exchange, known={"ann": known}).at_work(person("ann")) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann@acme.test", "NoError")]


# --- one mailbox, one user


async def test_a_login_wins_over_a_work_address_whoever_comes_first(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("info@acme.test")
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("info@acme.test",))) as bench:
        await bench.settled("ann")
        assert bench.address("ann") == "info@acme.test"
        bench.listed(bench.member("ann").user, person("bob", "info@acme.test"))
        await bench.settled("ann", "bob")
        assert bench.address("bob") == "info@acme.test"
        assert (bench.member("ann").coverage, bench.member("ann").reason) == (Coverage.FAILED, "taken")
        assert bench.evicted == [("ann", "info@acme.test")]
        assert [code for name, code in bench.subscribed() if name == "info@acme.test"] == ["NoError"]


async def test_an_address_that_two_users_have_is_not_even_tried(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("info@acme.test")
    users = [person(name, work_emails=("info@acme.test",)) for name in ("ann", "bob")]
    async with Bench(kit, exchange).at_work(*users) as bench:
        await bench.settled("ann", "bob")
        for name in ("ann", "bob"):
            assert (bench.member(name).coverage, bench.member(name).reason) == (Coverage.FAILED, "shared")
            assert Try(Identifier(WORK, "info@acme.test"), "shared") in bench.member(name).tries
        assert exchange.requests("Subscribe", "info@acme.test") == []
        bench.listed(users[0])  # the other one has gone
        await kit.until(lambda: bench.address("ann") == "info@acme.test", limit=5)


async def test_two_addresses_that_lead_to_one_mailbox_lead_to_nobodys(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    """Rainbow cannot know that they are aliases; the mailbox is let go once Exchange has told."""
    exchange = await make_exchange(
        LabMailbox(address="info@acme.test", aliases=("desk@acme.test", "office@acme.test")), "bob.b@acme.test"
    )
    ann = person("ann", work_emails=("desk@acme.test",))
    bob = person("bob", work_emails=("office@acme.test",))
    async with Bench(kit, exchange).at_work(ann, bob) as bench:
        await bench.settled("ann", "bob")
        await kit.until(lambda: bench.watcher.coverage("info@acme.test") is None)
        for name in ("ann", "bob"):
            assert (bench.member(name).coverage, bench.member(name).reason) == (Coverage.FAILED, "shared")
        exchange.lab.record.clear()
        await asyncio.sleep(1)
        bench.enrolment.want(bench.member("ann"))  # tried again, which makes nobody its owner for a moment
        await bench.settled("ann")
        assert [code for who, code in bench.subscribed() if code == "NoError"] == []
        bench.listed(ann, person("bob", work_emails=("bob.b@acme.test",)))
        await kit.until(lambda: bench.address("ann") == "info@acme.test", limit=5)
        await kit.until(lambda: bench.address("bob") == "bob.b@acme.test", limit=5)


async def test_two_who_exchange_their_addresses_exchange_their_mailboxes(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange("ann@acme.test", "bob@acme.test")
    async with Bench(kit, exchange).at_work(person("ann"), person("bob")) as bench:
        await bench.settled("ann", "bob")
        bench.listed(person("ann", "bob@acme.test"), person("bob", "ann@acme.test"))
        await kit.until(lambda: bench.address("ann") == "bob@acme.test", limit=5)
        await kit.until(lambda: bench.address("bob") == "ann@acme.test", limit=5)
        await asyncio.sleep(5)
        assert all(bench.watcher.coverage(f"{name}@acme.test") is not None for name in ("ann", "bob"))


async def test_whoever_gets_another_address_while_being_subscribed_is_not_given_the_old_mailbox(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(
        "ann@acme.test", "ann.b@acme.test", delay_seconds=1.0, delay_operations=["Subscribe"]
    )
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await asyncio.sleep(0.5)
        bench.listed(person("ann", "ann.b@acme.test"))
        await kit.until(lambda: bench.address("ann") == "ann.b@acme.test", limit=5)
        assert bench.enrolled == [("ann", None)]
        assert bench.watcher.coverage("ann@acme.test") is None


async def test_a_new_address_that_goes_before_the_one_that_worked_is_tried(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange("old@acme.test", "ann.b@acme.test")
    async with Bench(kit, exchange).at_work(person("ann", personal_emails=("old@acme.test",))) as bench:
        await bench.settled("ann")
        assert bench.address("ann") == "old@acme.test"
        bench.listed(person("ann", personal_emails=("old@acme.test",), work_emails=("ann.b@acme.test",)))
        await kit.until(lambda: bench.address("ann") == "ann.b@acme.test", limit=5)


async def test_who_loses_one_mailbox_gets_the_next(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("info@acme.test", "ann.b@acme.test")
    ann = person("ann", "ann@login.test", work_emails=("info@acme.test", "ann.b@acme.test"))
    async with Bench(kit, exchange).at_work(ann, person("bob", "info@acme.test")) as bench:
        await bench.settled("ann", "bob")
        await kit.until(lambda: bench.address("ann") == "ann.b@acme.test")
        assert bench.address("bob") == "info@acme.test"
        assert Try(Identifier(WORK, "info@acme.test"), "taken") in bench.member("ann").tries


async def test_a_mailbox_that_is_free_again_is_found_at_once(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("info@acme.test")
    ann = person("ann", work_emails=("info@acme.test",))
    async with Bench(kit, exchange).at_work(ann, person("bob", "info@acme.test")) as bench:
        await bench.settled("ann", "bob")
        assert bench.address("bob") == "info@acme.test"
        bench.listed(ann)
        await kit.until(lambda: bench.address("ann") == "info@acme.test", limit=5)


# --- refusals


async def test_who_is_denied_is_tried_again_in_an_hour(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", mailbox_errors={"ann@acme.test": "ErrorAccessDenied"})
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ab@acme.test",))) as bench:
        await bench.settled("ann")
        assert (bench.member("ann").coverage, bench.member("ann").reason) == (Coverage.FAILED, "ErrorAccessDenied")
        assert bench.subscribed() == [("ann@acme.test", "ErrorAccessDenied"), ("ab@acme.test", MISSING)]
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await asyncio.sleep(3500)
        assert bench.member("ann").coverage is Coverage.FAILED
        await asyncio.sleep(110)
        assert bench.member("ann").coverage is Coverage.COVERED


@pytest.mark.parametrize("code", ["ErrorImpersonateUserDenied", "ErrorAccessDenied", "ErrorFolderNotFound"])
async def test_a_denied_identifier_is_not_the_last_one_tried(
    kit: "Kit", make_exchange: "MakeExchange", code: str
) -> None:
    """Exchange denies a mailbox that it does not want to admit does not exist."""
    exchange = await make_exchange("ann@acme.test", "ann.lee@acme.test", mailbox_errors={"ann@acme.test": code})
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ann.lee@acme.test",))) as bench:
        await bench.settled("ann")
        assert bench.subscribed() == [("ann@acme.test", code), ("ann.lee@acme.test", "NoError")]
        assert bench.address("ann") == "ann.lee@acme.test"
        assert bench.member("ann").tries == [Try(Identifier(LOGIN, "ann@acme.test"), code)]


async def test_of_several_denials_the_first_is_reported(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange(
        "a1@acme.test",
        "a2@acme.test",
        mailbox_errors={"a1@acme.test": "ErrorImpersonateUserDenied", "a2@acme.test": "ErrorAccountDisabled"},
    )
    user = person("ann", work_emails=("a1@acme.test", "a2@acme.test"))
    async with Bench(kit, exchange).at_work(user) as bench:
        await bench.settled("ann")
        ann = bench.member("ann")
        assert [each.code for each in ann.tries] == [MISSING, "ErrorImpersonateUserDenied", "ErrorAccountDisabled"]
        assert (ann.coverage, ann.reason) == (Coverage.FAILED, "ErrorImpersonateUserDenied")
        assert ann.next_try is not None
        assert timedelta(minutes=50) < ann.next_try - kit.now() <= timedelta(hours=1)


async def test_what_may_pass_and_lasts_lets_the_next_identifier_be_tried(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange(
        "ann@acme.test", "ab@acme.test", mailbox_errors={"ann@acme.test": "ErrorInternalServerError"}
    )
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ab@acme.test",))) as bench:
        await bench.settled("ann")
        first = [("ann@acme.test", "ErrorInternalServerError")] * 3
        assert bench.subscribed() == [*first, ("ab@acme.test", "NoError")]
        assert bench.address("ann") == "ab@acme.test"
        assert bench.member("ann").failures == 0


async def test_what_lasts_stays_under_retry_where_no_identifier_helps(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange("ann@acme.test", mailbox_errors={"ann@acme.test": "ErrorMailboxMoveInProgress"})
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ab@acme.test",))) as bench:
        await kit.until(lambda: bench.member("ann").failures == 4)
        ann = bench.member("ann")
        assert (ann.coverage, ann.reason) == (Coverage.PENDING, "ErrorMailboxMoveInProgress")
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await bench.settled("ann")
        assert bench.address("ann") == "ann@acme.test"


async def test_a_busy_server_is_not_asked_for_more(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", mailbox_errors={"ann@acme.test": "ErrorServerBusy"})
    async with Bench(kit, exchange).at_work(person("ann", work_emails=("ab@acme.test",))) as bench:
        await kit.until(lambda: bench.member("ann").failures == 4)
        assert {name for name, _ in bench.subscribed()} == {"ann@acme.test"}


async def test_a_disabled_account_is_tried_again_the_next_day(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", mailbox_errors={"ann@acme.test": "ErrorAccountDisabled"})
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await bench.settled("ann")
        next_try = bench.member("ann").next_try
        assert next_try is not None
        assert next_try - kit.now() > timedelta(hours=23)


async def test_what_may_pass_is_tried_again_soon_and_fails_nobody(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", mailbox_errors={"ann@acme.test": "ErrorMailboxMoveInProgress"})
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await kit.until(lambda: len(bench.subscribed()) >= 3)
        assert bench.member("ann").coverage is Coverage.PENDING
        assert bench.member("ann").reason == "ErrorMailboxMoveInProgress"
        exchange.lab.dials.turn({"mailbox_errors": {}})
        await bench.settled("ann")
        assert bench.address("ann") == "ann@acme.test"
        ann = bench.member("ann")
        assert (ann.reason, ann.failures, ann.next_try) == ("", 0, None)


async def test_exchange_down_at_enrolment_fails_nobody_and_all_are_enrolled_when_it_is_back(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    names = [f"u{number:02d}" for number in range(30)]
    exchange = await make_exchange(*(f"{name}@acme.test" for name in names))
    port = int(exchange.lab.base.rpartition(":")[2])
    await exchange.lab.stop()
    async with Bench(kit, exchange).at_work(*(person(name) for name in names)) as bench:
        await asyncio.sleep(300)
        outage = bench.enrolment.outage
        assert isinstance(outage, EwsConnectionError)
        assert all(bench.member(name).coverage is Coverage.PENDING for name in names)
        assert all(not bench.member(name).tries for name in names)
        assert bench.enrolment.waiting() >= 30
        await exchange.lab.start(port=port)
        await bench.settled(*names)
        assert all(bench.member(name).coverage is Coverage.COVERED for name in names)
        assert bench.enrolment.outage is None
        assert len(bench.subscribed()) == 30


async def test_an_outage_is_over_once_nobody_is_left_whom_it_holds_back(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    """Whoever was to be enrolled has left meanwhile; how Exchange is, the streams and the reads of the others tell."""
    exchange = await make_exchange("ann@acme.test", "bob@acme.test")
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await bench.settled("ann")
        exchange.lab.dials.turn({"unauthorized": True})
        bench.listed(person("ann"), person("bob"))
        await kit.until(lambda: bench.enrolment.outage is not None)
        bench.listed(person("ann"))
        exchange.lab.dials.turn({"unauthorized": False})
        await kit.until(lambda: bench.enrolment.outage is None, limit=120)
        assert bench.enrolment.waiting() == 0


async def test_a_wrong_password_fails_nobody_and_is_tried_once(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", unauthorized=True)
    async with Bench(kit, exchange).at_work(person("ann"), person("bob")) as bench:
        await asyncio.sleep(600)
        assert isinstance(bench.enrolment.outage, EwsAuthenticationError)
        assert bench.member("ann").coverage is Coverage.PENDING
        assert bench.member("ann").tries == []
    assert exchange.client.counters.requests["Subscribe"] == 1


async def test_a_mailbox_for_which_exchange_answers_403_holds_nobody_up(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    """EWS switched off for one mailbox. A proxy of the test's own stands in front of the lab."""
    exchange = await make_exchange("ann@acme.test", "bob@acme.test")

    async def forbid_ann(body: bytes) -> int | None:
        return 403 if b"ann@acme.test" in body else None

    async with fronted(kit, exchange, forbid_ann) as front:
        bench = Bench(kit, front)
        async with kit.running(bench.enrolment.run()):
            bench.listed(person("ann"), person("bob"))
            await bench.settled("ann", "bob")
    assert bench.member("bob").coverage is Coverage.COVERED
    assert (bench.member("ann").coverage, bench.member("ann").reason) == (Coverage.FAILED, "EwsAuthenticationError")
    assert bench.enrolment.outage is None


async def test_a_mailbox_that_exchange_answers_with_500_is_no_outage(kit: "Kit", make_exchange: "MakeExchange") -> None:
    names = [f"u{number:02d}" for number in range(12)]
    exchange = await make_exchange(*(f"{name}@acme.test" for name in names))

    async def fail_first(body: bytes) -> int | None:
        return 500 if b"u00@acme.test" in body else None

    async with fronted(kit, exchange, fail_first) as front:
        bench = Bench(kit, front)
        async with bench.at_work(*map(person, names)):
            await bench.settled(*names[1:])
            assert asyncio.get_running_loop().time() < 3
            await kit.until(lambda: bench.member("u00").failures == 2)
            assert bench.enrolment.outage is None
            assert (bench.member("u00").coverage, bench.member("u00").reason) == (Coverage.PENDING, "http-500")
            assert bench.member("u00").next_try is not None
            bench.listed(*map(person, names), person("late", "late@acme.test"))
            exchange.lab.directory.add(LabMailbox(address="late@acme.test"))
            await bench.enrolment.settle(bench.member("late"))
            assert bench.address("late") == "late@acme.test"


async def test_a_mailbox_that_hangs_holds_the_others_up_for_ten_seconds_at_most(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    names = [f"u{number:02d}" for number in range(12)]
    exchange = await make_exchange(*(f"{name}@acme.test" for name in names))

    async def hang_first(body: bytes) -> int | None:
        if b"u00@acme.test" in body:
            await asyncio.sleep(100)
        return None

    async with fronted(kit, exchange, hang_first) as front:
        bench = Bench(kit, front)
        async with bench.at_work(*map(person, names)):
            await kit.until(lambda: all(bench.address(name) for name in names[1:]))
            assert asyncio.get_running_loop().time() < 13
            await kit.until(lambda: bench.member("u00").failures == 1)
            assert bench.enrolment.outage is None
            assert bench.member("u00").reason == "timeout"


@pytest.mark.parametrize("status", [400, 404, 500, 501])
async def test_a_server_that_cannot_resolve_names_ends_no_search(
    kit: "Kit", make_exchange: "MakeExchange", status: int
) -> None:
    exchange = await make_exchange("ab@acme.test")

    async def no_names(body: bytes) -> int | None:
        return status if b"ResolveNames" in body else None

    async with fronted(kit, exchange, no_names) as front:
        bench = Bench(kit, front)
        async with kit.running(bench.enrolment.run()):
            bench.listed(person("ann", work_emails=("ab@acme.test",)))
            await bench.settled("ann")
    assert bench.address("ann") == "ab@acme.test"
    assert bench.enrolment.outage is None


# --- urgency, and people who leave


async def test_who_is_asked_for_overtakes_the_others(kit: "Kit", make_exchange: "MakeExchange") -> None:
    names = [f"u{number:02d}" for number in range(60)]
    exchange = await make_exchange(*(f"{name}@acme.test" for name in names), delay_seconds=0.5)
    async with Bench(kit, exchange).at_work(*(person(name) for name in names)) as bench:
        await asyncio.sleep(0.1)
        await bench.enrolment.settle(bench.member("u59"))
        assert bench.member("u59").coverage is Coverage.COVERED
        assert len(bench.enrolled) < 30


async def test_settling_somebody_enrolled_returns_at_once(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test")
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await bench.settled("ann")
        await bench.enrolment.settle(bench.member("ann"))
        assert len(bench.subscribed()) == 1


async def test_two_who_wait_for_the_same_user_cost_one_subscribe(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", delay_seconds=1.0)
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        ann = bench.member("ann")
        await asyncio.gather(bench.enrolment.settle(ann), bench.enrolment.settle(ann))
        assert ann.coverage is Coverage.COVERED
        assert len(bench.subscribed()) == 1


async def test_a_user_who_leaves_while_being_subscribed_is_let_go(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test", delay_seconds=1.0, delay_operations=["Subscribe"])
    async with Bench(kit, exchange).at_work(person("ann")) as bench:
        await asyncio.sleep(0.5)
        bench.listed()
        await kit.until(lambda: exchange.requests("Unsubscribe"))
        assert bench.enrolled == []
        assert bench.watcher.coverage("ann@acme.test") is None
        await kit.until(lambda: bench.enrolment.waiting() == 0)


async def test_a_user_who_leaves_before_his_turn_costs_nothing(kit: "Kit", make_exchange: "MakeExchange") -> None:
    exchange = await make_exchange("ann@acme.test")
    bench = Bench(kit, exchange)
    bench.listed(person("ann"))
    bench.listed()
    async with kit.running(bench.enrolment.run()):
        await kit.until(lambda: bench.enrolment.waiting() == 0)
    assert bench.subscribed() == []


async def test_who_has_left_is_unsubscribed_unless_the_mailbox_is_anothers_by_now(
    kit: "Kit", make_exchange: "MakeExchange"
) -> None:
    exchange = await make_exchange("info@acme.test")
    async with Bench(kit, exchange).at_work(person("ann", "info@acme.test")) as bench:
        await bench.settled("ann")
        bench.listed(person("bob", work_emails=("info@acme.test",)))
        bench.roster.claim(bench.member("bob"), Mailbox(address="info@acme.test"), Identifier(WORK, "info@acme.test"))
        await asyncio.sleep(1)
        assert exchange.requests("Unsubscribe") == []
        assert bench.watcher.coverage("info@acme.test") is not None
