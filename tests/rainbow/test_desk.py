"""Who answers may change while the link stands; nobody who asks is left waiting by that."""

import asyncio

import pytest

from rainbow_exchange.rainbow.desk import Desk
from rainbow_exchange.rainbow.link import Answer, QuestionRefused
from rainbow_exchange.rainbow.types import Question

ASKED = Question(kind="events", email="ada@acme.test")


def nothing() -> None:
    pass


async def refusal(desk: Desk) -> tuple[str, str]:
    with pytest.raises(QuestionRefused) as raised:
        await desk.answer(ASKED)
    return raised.value.condition, raised.value.type


async def test_nobody_there_is_a_refusal_that_asks_for_another_try() -> None:
    desk = Desk()
    assert await refusal(desk) == ("service-unavailable", "wait")
    desk.link_restored()


async def test_whoever_is_there_answers_and_hears_of_the_link() -> None:
    desk, restored = Desk(), list[str]()

    async def answer(question: Question) -> Answer:
        return Answer(sent=lambda: restored.append(question.email))

    def back() -> None:
        restored.append("link")

    def gone() -> None:
        restored.append("lost")

    async with desk.staffed(answer, link_restored=back, link_lost=gone):
        (await desk.answer(ASKED)).sent()
        desk.link_lost()
        desk.link_restored()
    desk.link_lost()
    desk.link_restored()
    assert await refusal(desk) == ("service-unavailable", "wait")
    assert restored == ["ada@acme.test", "lost", "link"]


async def test_whoever_goes_leaves_no_question_under_way() -> None:
    desk, ended = Desk(), list[str]()

    async def hangs(_: Question) -> Answer:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")
        raise AssertionError

    async with asyncio.TaskGroup() as tasks, desk.staffed(hangs, link_restored=nothing, link_lost=nothing):
        asking = [tasks.create_task(refusal(desk)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in asking)
    assert ended == ["cleaned up"] * 3
    assert [task.result() for task in asking] == [("service-unavailable", "wait")] * 3


async def test_a_time_limit_of_the_one_who_answers_stays_its_own() -> None:
    async def slow(_: Question) -> Answer:
        raise TimeoutError("of its own")

    desk = Desk()
    async with desk.staffed(slow, link_restored=nothing, link_lost=nothing):
        with pytest.raises(TimeoutError, match="of its own"):
            await desk.answer(ASKED)


async def test_only_whoever_is_there_answers_at_once() -> None:
    desk = Desk()
    answer = Answer()

    async def slowly(_: Question) -> Answer:
        return answer

    assert desk.at_once(ASKED) is None
    async with desk.staffed(slowly, link_restored=nothing, link_lost=nothing):
        assert desk.at_once(ASKED) is None
    async with desk.staffed(slowly, link_restored=nothing, link_lost=nothing, at_once=lambda _: answer):
        assert desk.at_once(ASKED) is answer
    assert desk.at_once(ASKED) is None
