"""Signing in once, against the lab's Rainbow over real sockets, with a real state file and a keyring in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from rainbow_exchange import config, secret_places
from rainbow_exchange.cli.local_api import NOT_RUNNING, NoAnswerError
from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.sign_up import activation, keeping
from rainbow_exchange.sign_up.activation import Activation
from rainbow_exchange.sign_up.administrator import Administrator, Done, Order, Refusal, SeveralCompanies
from rainbow_exchange.sign_up.keeping import Keeping, Trial
from rainbow_exchange.state import connector, kept, made
from rainbow_exchange.state.store import Store
from tests.keyrings import MemoryKeyring, in_memory

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
COMPANY = "5f00000000000000000000c1"
LDAPS = "/api/rainbow/admin/v1.0/connectors/ldaps"


@dataclass
class Watcher:
    """Looks on; answers questions with `leave` and waits as long as `patience`."""

    leave: bool = False
    patience: float = 0
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def begin(self, text: str) -> None:
        pass

    def done(self, text: str) -> None:
        self.told.append(text)

    async def confirm(self, question: str, *, by_yes: bool = True) -> bool:
        self.asked.append(question)
        return self.leave and by_yes

    async def wait(self, seconds: float, _text: str) -> bool:
        self.waited.append(seconds)
        if seconds > self.patience:
            return False
        await asyncio.sleep(seconds)
        return True


@dataclass
class Desk:
    """Everything that a sign-in takes, and a look at what it left."""

    lab: LabRainbow
    store: Store
    ring: MemoryKeyring
    order: Order
    settings: Settings
    watcher: Watcher = field(default_factory=Watcher)
    used: list[str] = field(default_factory=list)
    #: the lab's clock: when there is a second activation, later than the first
    clock: list[datetime] = field(default_factory=lambda: [NOW])

    async def login(self, **changes: Any) -> Done:
        async def use() -> str:
            self.used.append(self.kept().get("rainbow.login", ""))
            return ""

        order = replace(self.order, **changes)
        administrator = Administrator(order, steps=self.watcher, ssl=None, proxy=Proxy(), now=lambda: NOW)
        keeper = Keeping(lambda: self.settings, self.store, now=lambda: NOW, use=use)
        return await Activation(administrator, keeper).run()

    async def refused(self, **changes: Any) -> Refusal:
        with pytest.raises(Refusal) as caught:
            await self.login(**changes)
        return caught.value

    def kept(self) -> dict[str, str]:
        return {key: each.value for key, each in made.read(self.store).items()}

    def secret(self, key: str) -> str | None:
        return self.ring.stored.get(("rainbow-exchange", key))

    def connectors(self) -> list[str]:
        return [each.id for each in self.lab.people.connectors()]

    def count(self, method: str, path: str, status: int = 200) -> int:
        return self.lab.record.counts[f"{method} {path} {status}"]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


@pytest_asyncio.fixture
async def desk(tmp_path: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(activation, "_NEW_USER_AGAIN_AFTER", 0.0)
    clock = [NOW]
    lab = LabRainbow(users=make_company(3), now=lambda: clock[0], random=Random(1))
    await lab.start()
    store = Store.open(tmp_path / "state.db")
    order = Order(url=lab.url, login=lab.login, password=lab.password, app_id=lab.app_id, app_secret=lab.app_secret)
    yield Desk(lab=lab, store=store, ring=ring, order=order, settings=Settings(), clock=clock)
    store.close()
    await lab.stop()


@pytest.mark.parametrize("in_data", [False, True])
async def test_a_connector_is_made_kept_and_used(desk: Desk, in_data: bool) -> None:
    desk.lab.dials.set({"activation_in_data": in_data})

    done = await desk.login()

    (connector_id,) = desk.connectors()
    assert (done.connector_id, done.company_id) == (connector_id, COMPANY)
    assert desk.kept() == {
        "rainbow.login": done.login,
        "rainbow.app_id": "app1",
        "rainbow.company_id": COMPANY,
        "rainbow.url": desk.lab.url,
    }
    assert desk.secret("rainbow.app_secret") == "appsecret1"
    assert (desk.secret("rainbow.password") or "").startswith("Gen-")
    ours = connector.read(desk.store)
    assert ours is not None
    assert (ours.id, ours.login, ours.created, ours.before) == (connector_id, done.login, True, ())
    assert desk.used == [done.login]
    assert keeping.effective(desk.settings, desk.store).origin("rainbow.login") == "login of 2026-11-26"


async def test_the_administrator_s_password_is_not_kept_anywhere(desk: Desk) -> None:
    await desk.login()
    desk.store.close()

    assert "Secret#1" not in desk.ring.stored.values()
    assert b"Secret#1" not in desk.store.path.read_bytes()
    assert all("Secret#1" not in line and "Gen-" not in line for line in desk.watcher.told)
    assert desk.count("GET", "/api/rainbow/authentication/v1.0/logout") == 2  # both tokens are given back


async def test_the_next_login_goes_on_with_what_the_first_has_made(desk: Desk) -> None:
    first = await desk.login()
    second = await desk.login()

    assert (second.login, second.connector_id) == (first.login, first.connector_id)
    assert desk.count("POST", f"{LDAPS}/activate") == 1
    assert len(desk.used) == 2


async def test_one_of_ours_whose_password_is_lost_is_removed_and_made_anew(desk: Desk) -> None:
    first = await desk.login()
    desk.ring.delete_password("rainbow-exchange", "rainbow.password")

    second = await desk.login()

    assert second.connector_id != first.connector_id
    assert desk.connectors() == [second.connector_id]
    assert any(line.startswith("The connector that was made here cannot be used: ") for line in desk.watcher.told)


async def test_one_of_ours_whose_password_is_refused_is_removed_and_made_anew(desk: Desk) -> None:
    first = await desk.login()
    desk.ring.set_password("rainbow-exchange", "rainbow.password", "another")

    assert (await desk.login()).connector_id != first.connector_id


async def test_one_of_ours_that_cannot_be_tried_now_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await desk.login()
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PROXY_URL", "http://127.0.0.1:1")
    desk.settings = config.load()

    refusal = await desk.refused()

    assert refusal.kind == "refused"
    assert "could not be tried" in refusal.text
    assert desk.connectors() == [first.connector_id]


async def test_a_new_one_that_cannot_be_tried_now_is_kept_and_used(desk: Desk) -> None:
    desk.lab.dials.set({"refuse_next": 9, "refuse_path": "admin/v1.0/users"})

    done = await desk.login()

    assert desk.connectors() == [done.connector_id]
    assert "could not be tried yet (retry after 2 s)" in done.remark
    assert desk.used == [done.login]


async def test_one_of_ours_that_is_gone_at_rainbow_is_made_anew(desk: Desk) -> None:
    first = await desk.login()
    desk.lab.people.remove(first.connector_id)

    second = await desk.login()

    assert desk.connectors() == [second.connector_id]


async def test_a_connector_that_was_not_made_here_is_left_alone_and_explained(desk: Desk) -> None:
    desk.lab.dials.set({"existing_connector": True})

    refusal = await desk.refused()

    assert refusal.kind == "left alone"
    assert "AD/LDAP connector ldap_" in refusal.text
    assert refusal.offers == ("as-account", "take-over")
    assert "connectors/ldaps/activate" in refusal.action
    assert desk.lab.record.counts == {
        key: count for key, count in desk.lab.record.counts.items() if not key.startswith(("POST", "DELETE"))
    }
    assert desk.kept() == {}
    assert desk.ring.stored == {}


async def test_taking_over_needs_leave_and_names_the_harm(desk: Desk) -> None:
    desk.lab.dials.set({"existing_connector": True, "second_activation": "renew"})

    refusal = await desk.refused(take_over=True)

    assert refusal.kind == "left alone"
    (question,) = desk.watcher.asked
    assert "the directory is not synchronised" in question
    assert "Nothing is deleted" in question
    assert desk.count("POST", f"{LDAPS}/activate") == 0


@pytest.mark.parametrize(("what", "created"), [("renew", False), ("add", True)])
async def test_what_was_taken_over_is_known_for_what_it_is(desk: Desk, what: str, created: bool) -> None:
    desk.lab.dials.set({"existing_connector": True, "second_activation": what})
    desk.watcher.leave = True

    done = await desk.login(take_over=True)

    ours = connector.read(desk.store)
    assert ours is not None
    assert (ours.id, ours.created) == (done.connector_id, created)
    assert ("logout will not remove it" in done.remark) is not created
    assert not any(key.startswith("DELETE") for key in desk.lab.record.counts)


async def test_a_rainbow_that_gives_no_second_connector_changes_nothing(desk: Desk) -> None:
    desk.lab.dials.set({"existing_connector": True})
    desk.watcher.leave = True

    refusal = await desk.refused(take_over=True)

    assert "does not give company 5f00000000000000000000c1 another connector" in refusal.text
    assert refusal.offers == ("as-account",)
    assert connector.read(desk.store) is None
    assert not any(key.startswith("DELETE") for key in desk.lab.record.counts)


@pytest.mark.parametrize("reason", ["licence", "sso"])
async def test_a_refused_activation_names_what_it_may_be(desk: Desk, reason: str) -> None:
    desk.lab.dials.set({"refuse_activation": reason})

    refusal = await desk.refused()

    assert refusal.kind == "refused"
    for cause in (
        "Early Adopter",
        "Business or Enterprise",
        "v161",
        "single sign-on (SSO) is not the company's default",
    ):
        assert cause in refusal.action
    assert "403000" in refusal.text
    assert connector.read(desk.store) is None


async def test_a_long_delay_is_told_with_its_end(desk: Desk) -> None:
    desk.lab.dials.set({"free_activations": 0, "activation_delay_seconds": 90})

    refusal = await desk.refused()

    assert (refusal.kind, refusal.at) == ("wait", datetime(2026, 11, 26, 7, 31, 30, tzinfo=UTC))
    assert "The delay grows" in refusal.action
    assert connector.read(desk.store) is None
    assert (await desk.refused()).at == datetime(2026, 11, 26, 7, 33, tzinfo=UTC)
    desk.clock[0] = datetime(2026, 11, 26, 7, 33, tzinfo=UTC)
    assert (await desk.login()).connector_id in desk.connectors()


async def test_a_short_delay_is_waited_for(desk: Desk) -> None:
    desk.lab.dials.set({"refuse_next": 1, "refuse_path": "activate", "refuse_retry_after": 1})
    desk.watcher.patience = 120

    assert (await desk.login()).connector_id in desk.connectors()
    assert desk.watcher.waited == [1]
    assert desk.count("POST", f"{LDAPS}/activate", 429) == 1


async def test_what_a_lost_answer_has_left_is_told_and_removed_only_with_leave(desk: Desk) -> None:
    desk.lab.dials.set({"lose_activation": True})
    lost = await desk.refused()
    assert "Whether a connector was made is not known" in lost.action
    (orphan,) = desk.connectors()
    desk.lab.dials.set({"lose_activation": False})

    refusal = await desk.refused()
    assert refusal.kind == "left alone"
    assert orphan in refusal.text
    assert "its answer was lost" in refusal.text
    assert desk.connectors() == [orphan]

    desk.watcher.leave = True
    done = await desk.login(take_over=True)
    assert desk.connectors() == [done.connector_id]
    assert done.connector_id != orphan


@pytest.mark.parametrize("dates", [True, False])
async def test_a_connector_that_came_to_be_at_another_time_is_somebody_else_s(desk: Desk, dates: bool) -> None:
    desk.lab.dials.set({"lose_activation": True, "creation_dates": dates})
    await desk.refused()
    desk.lab.dials.set({"lose_activation": False})
    desk.lab.people.remove(desk.connectors()[0])
    ours = connector.read(desk.store)
    assert ours is not None
    connector.keep(desk.store, replace(ours, asked_at=NOW - timedelta(hours=2)))
    desk.lab.dials.set({"existing_connector": True, "second_activation": "add"})
    desk.watcher.leave = True

    assert "was not made here" in (await desk.refused()).text
    await desk.login(take_over=True)

    assert not any(key.startswith("DELETE") for key in desk.lab.record.counts)


async def test_what_was_there_before_a_lost_answer_is_never_removed(desk: Desk) -> None:
    desk.lab.dials.set({"existing_connector": True, "second_activation": "add", "lose_activation": True})
    desk.watcher.leave = True
    await desk.refused(take_over=True)
    (orphan,) = desk.connectors()
    desk.lab.dials.set({"lose_activation": False})

    done = await desk.login(take_over=True)

    assert desk.count("DELETE", f"{LDAPS}/{orphan}") == 1
    assert [key for key in desk.lab.record.counts if key.startswith("DELETE")] == [f"DELETE {LDAPS}/{orphan} 200"]
    assert desk.connectors() == [done.connector_id]


async def test_a_connector_without_rights_is_removed_and_the_account_offered(desk: Desk) -> None:
    desk.lab.dials.set({"connector_roles": ["ldap"]})

    refusal = await desk.refused()
    assert "may not list the users" in refusal.text
    assert "It was removed at Rainbow again." in refusal.text
    assert refusal.offers == ("as-account",)
    assert (desk.connectors(), desk.kept(), desk.ring.stored, connector.read(desk.store)) == ([], {}, {}, None)

    desk.watcher.leave = True
    done = await desk.login()
    assert (done.login, done.connector_id) == (desk.lab.login, "")
    assert desk.connectors() == []
    assert desk.secret("rainbow.password") == "Secret#1"


async def test_running_as_the_account_needs_no_connector_and_frees_ours(desk: Desk) -> None:
    desk.lab.dials.set({"existing_connector": True})
    done = await desk.login(as_account=True)
    assert (done.login, done.connector_id) == (desk.lab.login, "")
    assert desk.kept()["rainbow.login"] == desk.lab.login
    assert desk.count("POST", f"{LDAPS}/activate") == 0

    desk.lab.dials.set({"existing_connector": False})
    ours = await desk.login()
    assert desk.connectors() == [ours.connector_id]
    await desk.login(as_account=True)
    assert (desk.connectors(), connector.read(desk.store)) == ([], None)


async def test_credentials_that_cannot_be_kept_in_the_end_leave_nothing_behind(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_service: str, key: str, _secret: str) -> None:
        if key == "rainbow.password":
            raise OSError("disk full")

    monkeypatch.setattr(desk.ring, "set_password", full)
    monkeypatch.setattr(desk.ring, "get_password", lambda _service, key: None if key == "rainbow.password" else "x")
    monkeypatch.setattr(secret_places, "try_out", lambda _wanted: [])

    refusal = await desk.refused()

    assert refusal.kind == "not kept"
    assert "rainbow.password cannot be kept: the keyring of this account cannot be used (OSError)" in refusal.text
    assert "It was removed at Rainbow again." in refusal.action
    assert (desk.connectors(), connector.read(desk.store)) == ([], None)


async def test_a_keeper_that_is_gone_in_the_middle_leaves_nothing_at_rainbow(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> str:
        raise NoAnswerError(NOT_RUNNING, "nothing listens there", "start it")

    monkeypatch.setattr(Keeping, "keep", gone)
    monkeypatch.setattr(Keeping, "put_back", gone)

    refusal = await desk.refused()

    assert refusal.kind == "not kept"
    assert "nothing listens there" in refusal.text
    assert desk.connectors() == []


async def test_where_secrets_cannot_be_kept_rainbow_is_not_asked_at_all(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(desk.ring, "set_password", lambda *_: None)

    with pytest.raises(UserError) as caught:
        await desk.login()

    assert "the keyring of this account does not keep what is put in" in caught.value.problems[0]
    assert "rainbow.password_file and rainbow.app_secret_file" in caught.value.problems[0]
    assert not desk.lab.record.counts


async def test_settings_that_stand_above_are_told_before_anything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[rainbow]\nlogin = "me@acme.test"\napp_id = "other"\n')
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PASSWORD", "typed")
    desk.settings = config.load(file)

    with pytest.raises(UserError) as caught:
        await desk.login()

    assert [problem.partition(",")[0] for problem in caught.value.problems] == [
        f"rainbow.login is given by {file}",
        f"rainbow.app_id is given by {file}",
        "rainbow.password is given by the variable RAINBOW_EXCHANGE_RAINBOW__PASSWORD",
    ]
    assert not desk.lab.record.counts


async def test_files_named_in_the_settings_are_written_for_their_account_only(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[rainbow]\npassword_file = "pw"\napp_secret_file = "secret"\n')
    desk.settings = config.load(file)

    await desk.login()

    assert (tmp_path / "pw").read_text().startswith("Gen-")
    assert (tmp_path / "pw").stat().st_mode & 0o077 == 0
    assert (tmp_path / "secret").read_text() == "appsecret1"
    assert desk.ring.stored == {}
    assert not (tmp_path / "pw.check").exists()


@pytest.mark.parametrize("kind", ["OIDC", "SAML"])
async def test_with_single_sign_on_only_no_password_is_sent(desk: Desk, kind: str) -> None:
    desk.lab.dials.set({"login_urls": [{"type": kind, "loginUrl": "https://idp.acme.test"}]})

    refusal = await desk.refused()
    assert kind in refusal.text
    for way in ("Either paste a token", "Bearer", "a password of Rainbow's own"):
        assert way in refusal.action
    assert refusal.offers == ("token", "try-password")
    assert desk.count("GET", "/api/rainbow/authentication/v1.0/login") == 0

    assert (await desk.login(try_password=True)).connector_id in desk.connectors()


async def test_with_single_sign_on_beside_a_password_it_goes_on(desk: Desk) -> None:
    desk.lab.dials.set({"login_urls": [{"type": "OIDC"}, {"type": "RAINBOW"}]})

    await desk.login()

    assert f"{desk.lab.login} signs in by single sign-on (OIDC)" in desk.watcher.told


async def token(desk: Desk) -> str:
    async with aiohttp.ClientSession() as session, session.post(f"{desk.lab.url}/lab/tokens", json={}) as answer:
        return str((await answer.json())["token"])


async def test_a_pasted_token_does_as_well_and_is_not_given_back(desk: Desk) -> None:
    desk.lab.dials.set({"login_urls": [{"type": "OIDC"}]})
    pasted = await token(desk)

    done = await desk.login(login="", password=None, token=f"Bearer {pasted}")

    assert done.connector_id in desk.connectors()
    assert f"Signed in to Rainbow as {desk.lab.login}" in desk.watcher.told
    assert desk.count("GET", "/api/rainbow/authentication/v1.0/logout") == 1  # the connector's own


@pytest.mark.parametrize(("pasted", "part"), [("no token", "is no token"), (None, "has expired")])
async def test_a_token_that_will_not_do_is_told_with_how_to_get_one(desk: Desk, pasted: str | None, part: str) -> None:
    pasted = pasted or await token(desk)
    desk.clock[0] = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)

    refusal = await desk.refused(login="", password=None, token=pasted)

    assert part in refusal.text
    assert "developer tools (F12)" in refusal.action


async def test_who_manages_several_companies_names_one(desk: Desk) -> None:
    other = {"id": "5f00000000000000000000c2", "name": "Other"}
    desk.lab.dials.set({"administrator_roles": ["admin", "bp_admin"], "managed_companies": [other]})

    with pytest.raises(SeveralCompanies) as caught:
        await desk.login()
    assert "5f00000000000000000000c1 Acme, 5f00000000000000000000c2 Other" in caught.value.problems[0]
    assert [each.name for each in caught.value.companies] == ["Acme", "Other"]

    assert (await desk.login(company_id=COMPANY)).company_id == COMPANY


async def test_who_manages_one_company_need_not_name_it(desk: Desk) -> None:
    desk.lab.dials.set({"administrator_roles": ["admin", "bp_admin"]})

    assert (await desk.login()).company_id == COMPANY


async def test_a_connector_of_another_company_is_taken_back_first(desk: Desk) -> None:
    await desk.login()
    other = {"id": "5f00000000000000000000c2", "name": "Other"}
    desk.lab.dials.set({"administrator_roles": ["admin", "bp_admin"], "managed_companies": [other]})

    refusal = await desk.refused(company_id=other["id"])

    assert refusal.kind == "left alone"
    assert refusal.offers == ("log-out",)


async def test_no_administrator_is_told_so(desk: Desk) -> None:
    desk.lab.dials.set({"administrator_roles": ["user"]})

    refusal = await desk.refused()

    assert "may not list the connectors of" in refusal.text
    assert "Sign in as an administrator" in refusal.action


@pytest.mark.parametrize(
    ("changes", "lock", "text", "action"),
    [
        ({"password": "wrong"}, False, "refuses the login or the password (401500)", "Five wrong ones"),
        ({}, True, "locked after too many wrong passwords (401501)", "Wait an hour without trying"),
        ({"app_secret": "wrong"}, False, "application id or its secret is wrong", "https://developers.openrainbow.com"),
    ],
)
async def test_a_refused_sign_in_is_told_with_the_next_step(
    desk: Desk, changes: dict[str, Any], lock: bool, text: str, action: str
) -> None:
    if lock:
        async with aiohttp.ClientSession() as session:
            await session.post(f"{desk.lab.url}/lab/dials", json={"lock": desk.lab.login})

    refusal = await desk.refused(**changes)

    assert refusal.kind == "refused"
    assert text in refusal.text
    assert action in refusal.action


async def test_a_rainbow_out_of_reach_is_told(desk: Desk) -> None:
    await desk.lab.stop()

    refusal = await desk.refused()

    assert "cannot be reached" in refusal.text
    assert "rainbow.url" in refusal.action


async def cancelled_when(desk: Desk, reached: Callable[[], bool]) -> None:
    running = asyncio.create_task(desk.login())
    while not reached():  # noqa: ASYNC110  (the lab's record sets no event)
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_cut_in_the_middle_of_the_activation_nothing_is_lost(desk: Desk) -> None:
    await cancelled_when(desk, lambda: bool(desk.connectors()))

    (connector_id,) = desk.connectors()
    ours = connector.read(desk.store)
    assert ours is not None
    assert ours.id == connector_id
    assert (desk.secret("rainbow.password") or "").startswith("Gen-")
    assert (await desk.login()).connector_id == connector_id
    assert desk.count("POST", f"{LDAPS}/activate") == 1


async def test_cut_before_it_nothing_was_made(desk: Desk) -> None:
    await cancelled_when(desk, lambda: desk.count("GET", "/api/rainbow/authentication/v1.0/login") == 1)

    assert desk.connectors() == []
    assert desk.kept() == {}


async def cut_after(desk: Desk, requests: int) -> bool:
    """Sign in, and end it with the lab's so many-th answer; whether it ended before."""
    running = asyncio.create_task(desk.login())
    while len(desk.lab.record.requests) < requests and not running.done():  # noqa: ASYNC110  (the record sets no event)
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    return not running.cancelled()


async def test_cut_anywhere_the_next_login_ends_with_one_connector_that_works(desk: Desk) -> None:
    desk.lab.dials.set({"free_activations": 100})
    for requests in range(1, 20):
        desk.lab.record.clear()
        whole = await cut_after(desk, requests)
        done = await desk.login()

        assert desk.connectors() == [done.connector_id]
        assert desk.kept()["rainbow.login"] == done.login
        assert await Keeping(lambda: desk.settings, desk.store, now=lambda: NOW).works() == Trial()
        assert not desk.watcher.asked
        desk.lab.people.remove(done.connector_id)
        if whole:
            return
    pytest.fail("a sign-in of 19 calls")


async def test_a_lost_state_does_not_make_a_stranger_of_our_connector(desk: Desk) -> None:
    first = await desk.login()
    folder = desk.store.path.parent
    desk.store.close()
    for file in ("state.db", "state.db-wal", "state.db-shm"):
        (folder / file).unlink(missing_ok=True)
    desk.store = Store.open(folder / "state.db")
    kept.restore(desk.store)

    assert (await desk.login()).connector_id == first.connector_id
