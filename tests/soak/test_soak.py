"""A short soak of the installed command; and of the same with a leak, which has to be found and named."""

import sys
from pathlib import Path

import pytest

from tests.soak import leaky
from tests.soak.series import Bound, judge
from tests.soak.soak import Plan, Soak

pytestmark = [pytest.mark.soak]

#: what a process that has just begun may grow by in half a minute
BOUNDS = {"memory": Bound(per_minute=64, in_all=4096, unit="KiB", scale=1024)}


def say(text: str) -> None:
    print(text)  # noqa: T201 - shown when a test fails


async def test_after_changes_and_faults_it_holds_what_it_held_at_first(tmp_path: Path) -> None:
    plan = Plan(
        folder=tmp_path, seed=1, minutes=0.5, mailboxes=30, period=30, first_calm=5, longest_calm=40, polled=False
    )
    outcome = await Soak(plan, say).run()
    verdict = judge(outcome.samples, BOUNDS)

    assert (verdict.grew, outcome.wrong) == ([], [])
    assert outcome.changes.total() > 20
    assert len(outcome.faults) > 5


@pytest.mark.parametrize("kind", sorted(leaky.LEAKS))
async def test_a_leak_is_found_and_named(tmp_path: Path, kind: str) -> None:
    command = (sys.executable, str(Path(leaky.__file__)), kind)
    plan = Plan(
        folder=tmp_path,
        seed=1,
        minutes=0.1,
        mailboxes=20,
        period=35 if kind == "memory" else 18,
        changes=10,
        faults=0,
        first_calm=3,
        longest_calm=10,
        at_rest=0,
        command=command,
    )
    outcome = await Soak(plan, say).run()
    verdict = judge(outcome.samples, BOUNDS)

    assert not verdict.flat
    named = {line.partition(" in calm")[0].partition(": ")[0] for line in verdict.grew}
    assert named == {"tasks": {"tasks", "tasks:leaky"}, "sockets": {"files", "sockets"}, "memory": {"memory"}}[kind]
    assert outcome.wrong == []


async def test_a_product_that_ends_is_said_to_have_ended(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import sys; sys.exit('no more')", encoding="utf-8")
    plan = Plan(folder=tmp_path, seed=1, mailboxes=2, command=(sys.executable, str(tmp_path / "ends.py")))
    outcome = await Soak(plan, say).run()

    [wrong] = outcome.wrong
    assert wrong.startswith("the product has ended with 1:")
    assert "no more" in wrong
    assert not judge(outcome.samples, BOUNDS).flat
