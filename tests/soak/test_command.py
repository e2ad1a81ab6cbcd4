"""What `python -m tests.soak` makes of a run: files, figures, and the exit code."""

import csv
import json
from pathlib import Path

import pytest

from tests.soak import __main__ as command
from tests.soak.series import Sample, Verdict, judge


def test_minutes_come_from_the_command_line_else_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAINBOW_EXCHANGE_SOAK", raising=False)
    plan = command.plan_from([], tmp_path)
    assert (plan.minutes, plan.mailboxes) == (10, 500)
    monkeypatch.setenv("RAINBOW_EXCHANGE_SOAK", "60")
    assert command.plan_from(["--seed", "7"], tmp_path).minutes == 60
    assert command.plan_from(["--minutes", "2", "--seed", "7"], tmp_path).seed == 7


def test_what_was_sampled_and_the_verdict_are_kept(tmp_path: Path) -> None:
    samples = [
        Sample(at=1.5, calm=0, counts={"tasks": 44}, sizes={"memory": 9e7}),
        Sample(at=2.5, calm=None, counts={"tasks": 44, "tasks:new": 1}, sizes={"memory": 9e7}),
    ]
    command.keep(samples, Verdict(figures=["one"], grew=["tasks"]), tmp_path)

    with (tmp_path / "samples.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["seconds", "calm", "tasks", "tasks:new", "memory"]
    assert rows[1:] == [["1.50", "0", "44", "0", "90000000"], ["2.50", "", "44", "1", "90000000"]]
    assert json.loads((tmp_path / "verdict.json").read_text()) == {"figures": ["one"], "grew": ["tasks"]}


def test_streams_that_become_more_and_more_are_not_flat() -> None:
    def samples(streams: float) -> list[Sample]:
        return [
            Sample(
                at=float(second),
                calm=second // 60 if second % 60 >= 50 else None,
                counts={"tasks": 44},
                sizes={"memory": 9e7, "blocks": 4e5, "streams": 3 + second / 60 * streams},
            )
            for second in range(600)
        ]

    assert judge(samples(0.2), command.BOUNDS).flat
    assert [line.partition(":")[0] for line in judge(samples(2), command.BOUNDS).grew] == ["streams"]
