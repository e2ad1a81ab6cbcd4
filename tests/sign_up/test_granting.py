"""Signing in from the page: the steps, questions and ends that somebody sees, against the lab's Rainbow."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from rainbow_exchange.config import Settings
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.rainbow import LabRainbow
from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.sign_up import activation, granting
from rainbow_exchange.sign_up.administrator import Order
from rainbow_exchange.sign_up.granting import Granting, Job, Question, Waiting
from rainbow_exchange.sign_up.keeping import Keeping
from rainbow_exchange.state import connector, made
from rainbow_exchange.state.store import Store
from tests.keyrings import MemoryKeyring, in_memory

NOW = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
COMPANY = "5f00000000000000000000c1"


@dataclass
class Desk:
    lab: LabRainbow
    store: Store
    ring: MemoryKeyring
    granting: Granting
    order: Order
    stop: asyncio.Event
    running: asyncio.Task[None]
    #: whether a connector may be made
    grants: bool = True

    async def until(self, reached: Callable[[Job], Any]) -> Job:
        async with asyncio.timeout(60):
            while self.granting.job is None or not reached(self.granting.job):
                await asyncio.sleep(0.005)
                question = self.granting.job and self.granting.job.question
                if question and question.kind == "grant" and self.grants:
                    self.granting.answer(question.id, "yes")
        return self.granting.job

    async def ended(self) -> Job:
        return await self.until(lambda job: job.ended)

    async def asked(self, *, before: str = "") -> Question:
        seen = {before} if not self.grants else {before, "grant"}
        asked = await self.until(lambda job: job.question and not seen & {job.question.id, job.question.kind})
        question = asked.question
        assert question is not None
        return question

    async def waits(self) -> Waiting:
        waiting = (await self.until(lambda job: job.waiting)).waiting
        assert waiting is not None
        return waiting

    def held(self) -> int:
        """Count who has still got what the administrator typed."""
        self.order = replace(self.order, password="")
        gc.collect()
        orders = [each for each in gc.get_objects() if isinstance(each, Order) and each.url == self.lab.url]
        return sum(each.password == "Secret#1" for each in orders)

    def texts(self) -> list[tuple[str, str]]:
        assert self.granting.job is not None
        return [(each.state, str(each.text)) for each in self.granting.job.steps]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


@pytest_asyncio.fixture
async def desk(tmp_path: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(activation, "_NEW_USER_AGAIN_AFTER", 0.0)
    lab = LabRainbow(users=make_company(3), now=lambda: NOW, random=Random(1))
    await lab.start()
    store = Store.open(tmp_path / "state.db")
    keeper = Keeping(Settings, store, now=lambda: NOW)
    stop = asyncio.Event()

    async def stopping() -> None:
        await stop.wait()

    work = Granting(
        keeper, way=lambda _url: Proxy(), now=lambda: NOW, random=lambda: 0.5, stopping=stopping, ssl=lambda: None
    )
    typed: dict[str, Any] = {
        "login": lab.login,
        "password": lab.password,
        "app_id": lab.app_id,
        "app_secret": lab.app_secret,
    }
    running = asyncio.create_task(work.run())
    await asyncio.sleep(0)
    yield Desk(lab, store, ring, work, Order(url=lab.url, **typed), stop, running)
    stop.set()
    await running
    store.close()
    await lab.stop()


async def test_its_steps_are_shown_and_nothing_of_the_administrator_stays(desk: Desk) -> None:
    assert desk.granting.grant(desk.order)
    assert not desk.granting.grant(desk.order)  # one at a time
    assert desk.granting.busy

    job = await desk.ended()

    assert (job.ended, job.text) == ("done", f"The connector runs as {made.read(desk.store)['rainbow.login'].value}.")
    assert {state for state, _ in desk.texts()} == {"done"}
    assert [text for _, text in desk.texts()][:4] == [
        "connector@acme.test signs in with a password",
        "Signed in to Rainbow as connector@acme.test",
        "Company Acme (5f00000000000000000000c1)",
        f"Activated the connector {made.read(desk.store)['rainbow.login'].value}",
    ]
    assert job.typed == {"login": "connector@acme.test", "app_id": "app1", "url": desk.lab.url}
    assert desk.held() == 0


async def test_a_connector_of_the_company_is_explained_and_the_choice_asked_for(desk: Desk) -> None:
    desk.lab.dials.set({"existing_connector": True, "second_activation": "add"})
    desk.granting.grant(desk.order)

    choice = await desk.asked()
    assert choice.ways == ("as-account", "take-over")
    assert "The company has a connector that was not made here: AD/LDAP connector" in choice.text
    assert choice.until == NOW + timedelta(minutes=10)
    assert not desk.granting.answer("another", "take-over")
    assert desk.granting.answer(choice.id, "take-over")

    question = await desk.asked(before=choice.id)
    assert question.ways == ()
    assert "the directory is not synchronised" in question.text
    assert not any("activate" in key for key in desk.lab.record.counts)  # an own confirmation comes first
    assert not desk.granting.answer(choice.id, "yes")
    desk.granting.answer(question.id, "yes")

    assert (await desk.ended()).ended == "done"
    ours = connector.read(desk.store)
    assert ours is not None
    assert ours.created


@pytest.mark.parametrize("answer", ["yes", "leave"])
async def test_before_anything_is_made_it_is_said_and_agreed_to(desk: Desk, answer: str) -> None:
    desk.grants = False
    desk.granting.grant(desk.order)

    question = await desk.asked()
    assert (question.kind, question.text) == (
        "grant",
        "In the company Acme, Rainbow will now create a connector user.",
    )
    assert not any("activate" in key for key in desk.lab.record.counts)
    desk.granting.answer(question.id, answer)

    job = await desk.ended()
    assert job.ended == {"yes": "done", "leave": "refused"}[answer]
    assert len(desk.lab.people.connectors()) == (answer == "yes")


@pytest.mark.parametrize("answers", [["leave"], ["take-over", "leave"]])
async def test_what_is_left_alone_is_as_it_was(desk: Desk, answers: list[str]) -> None:
    desk.lab.dials.set({"existing_connector": True})
    desk.granting.grant(desk.order)
    seen = ""
    for answer in answers:
        seen = (await desk.asked(before=seen)).id
        desk.granting.answer(seen, answer)

    job = await desk.ended()

    assert job.ended == "refused"
    assert "left alone" in job.text
    assert (desk.ring.stored, made.read(desk.store), connector.read(desk.store)) == ({}, {}, None)


async def test_it_runs_as_the_account_itself_where_that_is_chosen(desk: Desk) -> None:
    desk.lab.dials.set({"refuse_activation": "licence"})
    desk.granting.grant(desk.order)

    choice = await desk.asked()
    assert choice.ways == ("as-account",)
    assert "Early Adopter licence" in choice.action
    desk.granting.answer(choice.id, "as-account")

    assert (await desk.ended()).text == "The connector runs as connector@acme.test."
    assert desk.ring.stored["rainbow-exchange", "rainbow.password"] == "Secret#1"
    assert ("failed", "Activating the connector at Rainbow") in desk.texts()


async def test_the_administrator_of_several_companies_chooses_one(desk: Desk) -> None:
    other = {"id": "5f00000000000000000000c2", "name": "Other"}
    desk.lab.dials.set({"administrator_roles": ["admin", "bp_admin"], "managed_companies": [other]})
    desk.granting.grant(desk.order)

    question = await desk.asked()
    assert question.kind == "company"
    assert [(each.id, each.name) for each in question.companies] == [(COMPANY, "Acme"), (other["id"], "Other")]
    desk.granting.answer(question.id, COMPANY)

    job = await desk.ended()
    assert job.ended == "done"
    assert made.read(desk.store)["rainbow.company_id"].value == COMPANY


async def test_with_single_sign_on_the_password_is_sent_only_where_somebody_says_so(desk: Desk) -> None:
    desk.lab.dials.set({"login_urls": [{"type": "SAML"}]})
    desk.granting.grant(desk.order)

    choice = await desk.asked()
    assert choice.ways == ("try-password",)
    assert not any("authentication/v1.0/login " in key for key in desk.lab.record.counts)
    desk.granting.answer(choice.id, "try-password")

    assert (await desk.ended()).ended == "done"


async def test_what_is_typed_anew_is_not_asked_for_but_ends_it(desk: Desk) -> None:
    desk.granting.grant(replace(desk.order, password="wrong"))

    job = await desk.ended()

    assert (job.ended, job.text) == ("refused", "Rainbow refuses the login or the password (401500).")
    assert desk.texts()[-1] == ("failed", "Signing in to Rainbow")
    desk.granting.forget()
    assert desk.granting.job is None


async def test_a_wait_that_rainbow_asks_for_is_shown_and_can_be_given_up(desk: Desk) -> None:
    desk.lab.dials.set({"refuse_next": 1, "refuse_path": "activate", "refuse_retry_after": 300})
    desk.granting.grant(desk.order)

    waiting = await desk.waits()
    assert waiting.until == NOW + timedelta(minutes=5)
    assert "asks to wait 5 min" in waiting.text
    desk.granting.give_up()

    job = await desk.ended()
    assert job.ended == "refused"
    assert "Not before" in job.action


async def test_nobody_is_made_to_wait_for_hours(desk: Desk) -> None:
    desk.lab.dials.set({"refuse_next": 1, "refuse_path": "activate", "refuse_retry_after": 3600})
    desk.granting.grant(desk.order)

    assert "Not before" in (await desk.ended()).action


async def test_a_question_that_nobody_answers_ends_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granting, "ANSWER_WITHIN", 0.05)
    desk.lab.dials.set({"existing_connector": True})
    desk.granting.grant(desk.order)

    job = await desk.ended()

    assert (job.ended, job.question) == ("refused", None)
    assert "Nobody answered" in job.text


async def test_given_up_it_says_so_and_the_next_one_goes_on(desk: Desk) -> None:
    desk.lab.dials.set({"rest_late_seconds": 0.2})
    desk.granting.grant(desk.order)
    await desk.until(lambda job: job.steps)
    desk.granting.give_up()

    assert (await desk.ended()).ended == "cancelled"
    typed = desk.order.password
    assert desk.held() == 0
    desk.order = replace(desk.order, password=typed)
    desk.lab.dials.set({"rest_late_seconds": 0})
    assert desk.granting.grant(desk.order)
    await asyncio.sleep(0)
    assert (await desk.until(lambda job: job.ended == "done")).ended == "done"


async def test_a_stop_waits_for_an_activation_only_so_long_and_the_next_one_explains_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(granting, "_ENDS_WITHIN", 0.05)
    monkeypatch.setattr(granting, "_GIVEN_BACK_WITHIN", 0.3)
    desk.grants = False
    desk.granting.grant(desk.order)
    question = await desk.asked()
    desk.lab.dials.set({"rest_late_seconds": 3})
    desk.granting.answer(question.id, "yes")
    await desk.until(lambda job: job.steps[-1].text == "Activating the connector at Rainbow")
    began = asyncio.get_running_loop().time()
    desk.stop.set()

    await asyncio.wait([desk.running])
    assert asyncio.get_running_loop().time() - began < 2
    assert not desk.granting.grant(desk.order)
    asked = connector.read(desk.store)
    assert asked is not None
    assert (asked.id, asked.asked_at) == ("", NOW)


async def test_it_is_taken_back_by_the_connector_itself(desk: Desk) -> None:
    desk.lab.dials.set({"connector_deletes_itself": True})
    desk.granting.grant(desk.order)
    await desk.ended()
    assert desk.granting.take_back()

    job = await desk.until(lambda job: job.ended == "taken back")

    assert job.text == "Forgotten on this machine: login, company, application and their secrets."
    assert (desk.lab.people.connectors(), desk.ring.stored, made.read(desk.store)) == ([], {}, {})


async def test_it_is_taken_back_by_an_administrator_where_the_connector_may_not(desk: Desk) -> None:
    desk.granting.grant(desk.order)
    await desk.ended()
    desk.granting.take_back()
    job = await desk.until(lambda job: job.ended == "refused")
    assert job.offers == ("administrator", "here-only")
    assert made.read(desk.store) != {}

    desk.granting.take_back(desk.order)

    await desk.until(lambda job: job.ended == "taken back")
    assert (desk.lab.people.connectors(), desk.ring.stored) == ([], {})


async def test_it_is_forgotten_on_this_machine_only(desk: Desk) -> None:
    desk.granting.grant(desk.order)
    await desk.ended()
    [there] = desk.lab.people.connectors()
    desk.granting.take_back(here_only=True)

    job = await desk.until(lambda job: job.ended == "taken back")

    assert f"{there.id}) is still at Rainbow" in job.action
    assert desk.ring.stored == {}
