"""Trials as works of the daemon, against both sides of the lab over real sockets."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.check import Result, Verdict
from rainbow_exchange.diagnosis.set_up import Entered, SetUp
from rainbow_exchange.diagnosis.trials import Trial, Trials
from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.rainbow.entered import Entered as OfRainbow
from rainbow_exchange.rainbow.entered import Value
from rainbow_exchange.state import made
from rainbow_exchange.state.store import Store
from tests.checking import Bench, bench, left
from tests.house import until
from tests.keyrings import MemoryKeyring, in_memory

WAY = ["exchange-place", "exchange-proxy", "exchange-name", "exchange-tcp", "exchange-tls", "exchange-clock"]
SLOW_STREAM = {"delay_seconds": 60.0, "delay_operations": ["GetStreamingEvents"]}
WHOLE = [
    *WAY,
    "exchange-authentication",
    "exchange-version",
    "mailbox",
    "impersonation",
    "subscription",
    "stream",
    "availability",
    "out-of-office",
]


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


class Rig:
    """A company whose administrator has set up nothing yet."""

    def __init__(self, folder: Path, house: Bench, **given: Any) -> None:
        self.house = house
        self.store = Store.open(folder / "state.db")
        self.given = Settings.model_validate(given)
        self.of_rainbow = OfRainbow()
        self.used = 0
        self.stopping = asyncio.Event()

        async def use() -> None:
            self.used += 1

        async def stopping() -> None:
            await self.stopping.wait()

        set_up = SetUp(
            lambda: self.given,
            self.store,
            now=house.clock,
            random=Random(1).random,
            use=use,
            of_rainbow=lambda: self.of_rainbow,
        )
        self.trials = Trials(set_up, now=house.clock, stopping=stopping)
        self.others = Trials(set_up, now=house.clock, stopping=stopping, turns=self.trials.turns)

    def entered(self, *, password: str = "Exchange#1", address: str = "", **values: Any) -> Entered:  # noqa: S107  (the lab's)
        wanted = {"url": self.house.exchange.url, "username": "svc-rainbow"} | values
        return Entered(
            part="exchange",
            values={f"exchange.{name}": value for name, value in wanted.items()},
            secrets={"exchange.password": password},
            address=address,
        )

    async def tried(self, entered: Entered, *, keep: bool = True) -> Trial:
        trial = self.trials.begin(entered, keep=keep)
        await until(lambda: not trial.running, within=60, step=0.01)
        return trial


@asynccontextmanager
async def rig(folder: Path, house: Bench | None = None, **given: Any) -> AsyncIterator[Rig]:
    house = house or bench(folder / "state")
    async with house.open():
        made_here = Rig(folder, house, **given)
        running = [asyncio.create_task(each.run()) for each in (made_here.trials, made_here.others)]
        await asyncio.sleep(0)
        try:
            yield made_here
        finally:
            made_here.stopping.set()
            await asyncio.gather(*running)
            made_here.store.close()


def verdicts(trial: Trial) -> dict[str, str]:
    return {each.step: each.verdict.value for each in trial.steps}


async def test_the_step_under_way_is_named(tmp_path: Path) -> None:
    async with rig(tmp_path, bench(tmp_path / "state", dials=SLOW_STREAM)) as here:
        trial = here.trials.begin(here.entered(address=here.house.people[0].login_email), keep=True)
        await until(lambda: trial.under_way == "stream", within=60, step=0.01)

        assert trial.running
        assert [each.step for each in trial.steps] == WHOLE[: WHOLE.index("stream")]


async def test_what_passes_is_kept_and_used_at_once(tmp_path: Path, ring: MemoryKeyring) -> None:
    async with rig(tmp_path) as here:
        trial = await here.tried(here.entered(address=here.house.people[0].login_email))

        assert [each.step for each in trial.steps] == WHOLE
        assert (trial.state, trial.kept, trial.where) == ("passed", True, ("exchange.password in the keyring",))
        assert trial.under_way == ""
        assert ring.stored == {("rainbow-exchange", "exchange.password"): "Exchange#1"}
        kept = made.read(here.store)
        assert {key: each.value for key, each in kept.items()} == {
            "exchange.url": here.house.exchange.url,
            "exchange.username": "svc-rainbow",
        }
        assert kept["exchange.url"].origin.startswith("page of ")
        assert here.used == 1
        assert here.trials.last("exchange") is trial
        assert left(here.house) == 0
        assert "Exchange#1" not in repr(trial)


async def test_what_is_only_tested_is_not_kept(tmp_path: Path, ring: MemoryKeyring) -> None:
    async with rig(tmp_path) as here:
        trial = await here.tried(here.entered(), keep=False)

        assert (trial.state, trial.kept, here.used) == ("passed", False, 0)
        assert list(verdicts(trial)) == [*WAY, "exchange-authentication", "exchange-version"]
        assert (ring.stored, made.read(here.store)) == ({}, {})


async def test_what_fails_is_not_kept_and_the_rest_is_still_tried(tmp_path: Path, ring: MemoryKeyring) -> None:
    async with rig(tmp_path) as here:
        trial = await here.tried(here.entered(password="Wrong#1", address=here.house.people[0].login_email))

        assert (trial.state, trial.verdict, trial.kept, here.used) == ("failed", Verdict.FAIL, False, 0)
        refused = trial.said("exchange-authentication")
        assert refused is not None
        assert (refused.verdict, refused.cause) == ("fail", "exchange-authentication")
        assert refused.fix
        assert verdicts(trial)["stream"] == "skip"
        assert (ring.stored, made.read(here.store)) == ({}, {})


async def test_what_cannot_be_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        trial = await here.tried(here.entered(url="http://mail.acme.test/EWS/Exchange.asmx"))

        assert (trial.state, trial.steps) == ("faulty", [])
        assert [problem.split(" ")[0] for problem in trial.problems] == ["exchange.url"]


async def test_another_one_ends_the_one_before_and_nothing_of_that_stays(tmp_path: Path) -> None:
    async with rig(tmp_path, bench(tmp_path / "state", dials=SLOW_STREAM)) as here:
        ada = here.house.people[0].login_email
        first = here.trials.begin(here.entered(address=ada), keep=True)
        await until(lambda: first.under_way == "stream", within=60, step=0.01)

        second = here.trials.begin(here.entered(), keep=False)
        other = here.trials.begin(Entered(part="rainbow-proxy"), keep=False)
        await until(lambda: not (second.running or other.running), within=60, step=0.01)

        assert (first.state, first.under_way, first.kept) == ("stopped", "", False)
        assert second.state == "passed"
        assert left(here.house) == 0
        assert here.used == 0


async def test_two_of_one_side_are_run_one_after_the_other(tmp_path: Path) -> None:
    async with rig(tmp_path, bench(tmp_path / "state", dials=SLOW_STREAM)) as here:
        ada = here.house.people[0].login_email
        first = here.trials.begin(here.entered(address=ada), keep=False)
        await until(lambda: first.under_way == "stream", within=20, step=0.01)

        second = here.others.begin(here.entered(), keep=False)
        third = here.trials.begin(Entered(part="exchange-proxy", values=dict(here.entered().values)), keep=False)
        await asyncio.gather(second.begun(), third.begun())
        await asyncio.sleep(0.3)
        for each in (second, third):
            assert (each.state, each.waiting, each.under_way, each.steps) == ("running", True, "", [])
        here.trials.stop("exchange-proxy")
        await until(lambda: not third.running, within=5, step=0.01)
        assert (third.state, third.waiting) == ("stopped", False)
        assert second.waiting

        here.trials.stop("exchange")
        await until(lambda: not second.running, within=20, step=0.01)
        assert (first.state, second.state, second.waiting) == ("stopped", "passed", False)


async def test_a_stop_of_the_daemon_ends_it(tmp_path: Path) -> None:
    async with rig(tmp_path, bench(tmp_path / "state", dials=SLOW_STREAM)) as here:
        trial = here.trials.begin(here.entered(address=here.house.people[0].login_email), keep=True)
        await until(lambda: trial.under_way == "stream", within=60, step=0.01)

        here.stopping.set()
        await until(lambda: not trial.running, within=60, step=0.01)
        late = here.trials.begin(here.entered(), keep=True)

        assert (trial.state, trial.kept) == ("stopped", False)
        assert (late.state, late.problems) == ("faulty", ("The connector is starting or stopping; try again later.",))
        assert left(here.house) == 0


async def test_of_one_that_was_stopped_nothing_that_was_entered_is_held(tmp_path: Path) -> None:
    async with rig(tmp_path, bench(tmp_path / "state", dials=SLOW_STREAM)) as here:
        address = here.house.people[0].login_email
        trial = here.trials.begin(here.entered(address=address), keep=True)
        await until(lambda: trial.under_way == "stream", within=60, step=0.01)
        here.trials.stop("exchange")
        await until(lambda: not trial.running, within=60, step=0.01)
        await asyncio.sleep(0)

        gc.collect()
        assert [each for each in gc.get_objects() if isinstance(each, Entered) and each.address == address] == []


async def test_one_that_is_stopped_before_it_began_is_over(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        trial = here.trials.begin(here.entered(), keep=True)
        here.trials.stop("exchange")
        await until(lambda: not trial.running, within=60, step=0.01)

        assert (trial.state, trial.steps) == ("stopped", [])


async def test_a_keyring_that_takes_nothing_is_said_after_the_steps(
    tmp_path: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(ring, "set_password", full)
    async with rig(tmp_path) as here:
        trial = await here.tried(here.entered())

        assert (trial.state, trial.kept, here.used) == ("faulty", False, 0)
        assert trial.steps
        assert "exchange.password" in trial.problems[0]
        assert made.read(here.store) == {}


async def test_what_rainbow_gives_is_tried_as_it_would_count(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        url, path = here.house.exchange.url, "settings.ews"
        here.of_rainbow = OfRainbow(
            was_read=True,
            values={
                "url": Value(url, f"{path}.url"),
                "username": Value("svc-rainbow", f"{path}.username"),
                "password": Value("Exchange#1", f"{path}.password"),
            },
        )
        trial = await here.tried(Entered(part="exchange"), keep=False)

        assert trial.state == "passed"
        place = trial.said("exchange-place")
        assert place is not None
        assert place.text == f"{url} (Rainbow's administration (settings.ews.url))."


async def test_a_host_that_only_rainbow_names_is_told_no_secret_of_this_machine(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        here.of_rainbow = OfRainbow(was_read=True, values={"url": Value(here.house.exchange.url, "url")})
        entered = here.entered(url=None)
        trial = await here.tried(entered)

        [result] = trial.steps
        assert (result.step, result.verdict, result.cause) == (
            "exchange-place",
            "fail",
            "exchange-endpoint-not-confirmed",
        )
        assert result.facts == {"host": "127.0.0.1"}
        assert here.house.exchange.record.read() == []


async def test_exchange_is_found_by_an_address_that_somebody_types(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        at = here.house.exchange.url.removesuffix("/EWS/Exchange.asmx")
        values = {
            "exchange.autodiscover_url": f"{at}/autodiscover/autodiscover.svc",
            "exchange.username": "ACME\\svc-rainbow",
        }
        wanted = Entered(
            part="exchange-place",
            values=values,
            secrets={"exchange.password": "Exchange#1"},
            address=here.house.people[0].login_email,
        )
        trial = await here.tried(wanted, keep=False)

        [found] = trial.steps
        assert (found.step, found.verdict) == ("exchange-place", "pass")
        assert found.facts == {"url": here.house.exchange.url}


@pytest.mark.parametrize("kind", ["good", "expired"])
async def test_the_chain_has_names_and_dates_whether_it_is_trusted_or_not(tmp_path: Path, kind: Any) -> None:
    authority = LabAuthority(tmp_path)
    house = bench(tmp_path / "state", tls=authority.server_context(kind=kind))
    async with rig(tmp_path, house) as here:
        trial = await here.tried(here.entered(ca_file=str(authority.ca_file)), keep=False)

        certificate = trial.said("exchange-tls")
        assert isinstance(certificate, Result)
        assert certificate.verdict == ("pass" if kind == "good" else "fail")
        chain = certificate.facts["chain"]
        assert [(each["subject"], each["issuer"]) for each in chain] == [
            ("127.0.0.1", "Lab Issuing CA"),
            ("Lab Issuing CA", "Lab Root CA"),
        ]
        assert all(each["from"] < each["until"] for each in chain)
        assert certificate.facts["names"] == ["localhost", "127.0.0.1"]


async def test_a_password_that_is_kept_is_tried_at_no_other_server(tmp_path: Path, ring: MemoryKeyring) -> None:
    async with rig(tmp_path) as here:
        assert (await here.tried(here.entered())).kept
        came: list[bytes] = []

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.append(await reader.read(1000))
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        async with server:
            other = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/EWS/Exchange.asmx"
            entered = Entered(part="exchange", values={"exchange.url": other})
            trial = await here.tried(entered)
            assert (trial.state, trial.steps, came) == ("faulty", [], [])
            assert trial.problems[0].startswith("exchange.password is kept for 127.0.0.1:")

            typed = Entered(part="exchange", values=entered.values, secrets={"exchange.password": "Other#1"})
            trial = await here.tried(typed)
            assert (trial.state, came != []) == ("failed", True)
            assert b"Exchange#1" not in b"".join(came)
        assert ring.stored == {("rainbow-exchange", "exchange.password"): "Exchange#1"}


async def test_tests_one_after_another_are_so_many_and_no_more(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        faulty = here.entered(url="ftp://mail.acme.test")
        seen = [await here.tried(faulty) for _ in range(31)]

    assert {each.problems[0].partition(" ")[0] for each in seen[:30]} == {"exchange.url"}
    assert seen[30].problems == ("Too many tests in a short time. Try again in a minute.",)
