"""The benchmarks themselves: what is made of what they measure."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import machine, table
from tests.benchmarks.__main__ import BENCHMARKS, Run, Typed, typed
from tests.benchmarks.figures import Figure, Hold, Outcome, Plan, Series
from tests.benchmarks.page_open import Result, Round
from tests.benchmarks.report import Report, missed
from tests.benchmarks.speed import figures
from tests.benchmarks.table import short
from tests.drawing import MISSING

drawn = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def test_what_the_page_costs_is_told_as_ratios() -> None:
    quick, slow = [0.2] * 98 + [0.4, 0.4], [0.25] * 98 + [0.6, 0.6]
    result = Result(
        without=[Round(cpu=1.0, changes=100, told=quick), Round(cpu=1.2, changes=100, told=quick)],
        open=[Round(cpu=1.1, changes=100, told=slow), Round(cpu=1.32, changes=100, told=slow)],
    )
    shown = {
        name: [round(found[each], 3) for each in ("without", "open", "ratio")]
        for name, found in result.figures().items()
    }
    assert shown == {
        "CPU for a change (ms)": [11.0, 12.1, 1.1],
        "told after, p50 (ms)": [200.0, 250.0, 1.25],
        "told after, p99 (ms)": [400.0, 600.0, 1.5],
    }


FIGURES = [
    Figure(benchmark="streams", name="ours / floor", unit="times", values=(1.5, 1.25, 1.75), at_most=1.8),
    Figure(benchmark="streams", name="theirs / ours", unit="times", values=(18.0, 19.0), at_least=20, note="a|b"),
    Figure(benchmark="start", name="requests", unit="", values=(10300,), note="one run"),
    Figure(benchmark="told", name="p99", unit="ms", values=(1000, 1400), note="a|b", at_least=1, at_most=1000),
]


def test_a_figure_is_held_to_its_goal_by_its_median() -> None:
    assert [(each.median, each.spread, each.met) for each in FIGURES] == [
        (1.5, (1.25, 1.75), True),
        (18.5, (18.0, 19.0), False),
        (10300, (10300, 10300), None),
        (1200, (1000, 1400), False),
    ]
    assert [each.name for each in missed(FIGURES)] == ["theirs / ours", "p99"]


def test_a_figure_of_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="told: nothing was measured of p99"):
        Figure(benchmark="told", name="p99", unit="s", values=())


def test_the_table_stands_in_a_terminal_with_its_notes_below() -> None:
    assert table.text(FIGURES) == (
        "benchmark  figure             unit   median          spread  runs          goal  met\n"
        "---------  -----------------  -----  ------  --------------  ----  ------------  ---\n"
        "streams    ours / floor       times     1.5    1.25 to 1.75     3         ≤ 1.8  yes\n"
        "streams    theirs / ours [1]  times    18.5        18 to 19     2          ≥ 20  no\n"
        "start      requests [2]              10,300                     1\n"
        "told       p99 [1]            ms      1,200  1,000 to 1,400     2  ≥ 1, ≤ 1,000  no\n"
        "[1] a|b\n"
        "[2] one run\n"
    )


def test_the_table_is_markdown_in_which_a_missed_goal_stands_out() -> None:
    assert table.as_markdown(FIGURES[:2]) == (
        "| benchmark | figure | unit | median | spread | runs | goal | met |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| streams | ours / floor | times | 1.5 | 1.25 to 1.75 | 3 | ≤ 1.8 | yes |\n"
        "| streams | theirs / ours [1] | times | 18.5 | 18 to 19 | 2 | ≥ 20 | **no** |\n"
        "\n"
        "- [1] a|b\n"
    )


def test_the_program_is_compiled_before_it_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "kept"))
    assert machine.compiled("rainbow_exchange.backoff")
    assert [each.name.partition(".")[0] for each in (tmp_path / "kept").rglob("backoff.*.pyc")] == ["backoff"]

    (tmp_path / "file").touch()
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "file"))
    assert not machine.compiled("rainbow_exchange.backoff")


def report() -> Report:
    line = Series(benchmark="start", name="CPU & requests", x_name="mailboxes", y_name="ms", lines={"own": [(1, 2)]})
    outcome = Outcome(figures=FIGURES, series=[line], loops=[Hold(where="start of 1,000", seconds=0.02)])
    return Report(
        at="2026-01-02 03:04 UTC",
        command="python -m tests.benchmarks --seed 7",
        seed=7,
        machine={"cores": "2"},
        settings={"exchange.impersonation": "false"},
        took={"streams": 12.4, "start": 100.0},
        outcome=outcome,
    )


def test_the_json_has_figures_machine_and_seed(tmp_path: Path) -> None:
    report().write(tmp_path / "new")
    kept = json.loads((tmp_path / "new" / "bench.json").read_text(encoding="utf-8"))

    assert kept["figures"][0] == {
        "benchmark": "streams",
        "name": "ours / floor",
        "unit": "times",
        "values": [1.5, 1.25, 1.75],
        "at_most": 1.8,
        "at_least": None,
        "note": "",
        "median": 1.5,
        "spread": [1.25, 1.75],
        "met": True,
    }
    assert (kept["seed"], kept["machine"], kept["took_seconds"]) == (7, {"cores": "2"}, {"streams": 12.4, "start": 100})
    assert kept["loop"] == [{"where": "start of 1,000", "seconds": 0.02}]


@drawn
def test_the_page_of_a_run_shows_table_plots_and_machine(tmp_path: Path) -> None:
    report().write_page(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")

    for part in (
        '<tr class="no"><td>streams</td><td>theirs / ours [1]</td>',
        "<ol><li>a|b</li><li>one run</li></ol>",
        "<title>start: CPU &amp; requests</title>",
        "<tr><th>it took</th><td>streams 12 s, start 100 s; 1.9 minutes in all</td></tr>",
        "<tr><th>settings that are not default</th><td>exchange.impersonation = false</td></tr>",
    ):
        assert part in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1.8, "1.8"), (1570, "1,570"), (12345.6, "12,346"), (0.01234, "0.0123"), (99.96, "100"), (451.0, "451")],
)
def test_a_number_has_three_digits_that_count(value: float, shown: str) -> None:
    assert short(value) == shown


def test_without_matplotlib_the_page_has_the_table_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.benchmarks.report.MISSING", "no matplotlib here")
    report().write(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")

    assert "<td>ours / floor</td>" in page
    assert "<h2>Plots</h2>\n<p>no matplotlib here</p>" in page


def test_a_run_that_was_written_is_read_again_as_it_was() -> None:
    assert Report.read(report().json()).json() == report().json()


def test_a_run_is_shown_again_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "bench.json"
    kept.write_text(replace(report(), took={"streams": 12.4, "answers": 1}).json(), encoding="utf-8")

    assert command.main(["--from", str(kept)]) == 1
    assert "<td>ours / floor</td>" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.endswith("could not be run: answers\n")


def test_a_run_of_a_part_is_not_kept_later_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "bench.json"
    kept.write_text(replace(report(), command="python -m tests.benchmarks told --seed 7").json(), encoding="utf-8")

    with pytest.raises(SystemExit):
        command.main(["--from", str(kept), "--keep"])
    assert "error: " in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["bench.json"]


@drawn
def test_a_run_is_kept_between_the_comments_of_a_page_and_old_pictures_go(tmp_path: Path) -> None:
    page, pictures = tmp_path / "performance.md", tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "old.svg").touch()
    comment = "<!-- measured by `make bench`: {} -->\nold figures\n<!-- made: end -->\n"
    page.write_text("# By hand\n" + "".join(comment.format(name) for name in ("machine", "table", "plots")), "utf-8")
    report().keep(page, pictures)

    text = page.read_text(encoding="utf-8")
    assert text.startswith(
        "# By hand\n<!-- measured by `make bench`: machine -->\n\n| what | value |\n| --- | --- |\n| when | 2026"
    )
    assert "old figures" not in text
    assert text.count("| streams | ours / floor |") == 1
    assert "![CPU & requests](../images/pictures/start-cpu-requests.svg)" in text
    assert [each.name for each in pictures.iterdir()] == ["start-cpu-requests.svg"]


def test_what_the_faster_loop_gains_is_kept_in_its_own_place(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("<!-- measured by `python -m tests.benchmarks speed`: speed -->\n<!-- made: end -->\n", "utf-8")
    gains = figures([(8.0, 4.0, 0.5, 100.0)], [(6.0, 4.0, 0.4, 103.0)], "0.1")
    replace(report(), outcome=Outcome(figures=gains)).keep(page, tmp_path / "pictures")

    text = page.read_text(encoding="utf-8")
    assert "| speed | processor time of a start, for each mailbox: uvloop / asyncio [1] | times | 0.75 |" in text
    assert "| speed | memory: uvloop / asyncio [1] | times | 1.03 |" in text
    assert "- [1] uvloop 0.1\n\n2026-01-02 03:04 UTC: `python -m tests.benchmarks --seed 7`" in text
    assert not (tmp_path / "pictures").exists()


def test_what_is_typed_is_what_is_run() -> None:
    given = typed(["page", "--seed", "7", "--scale", "0.1"])

    assert (given.names, given.command) == (
        ("page",),
        "python -m tests.benchmarks page --seed 7 --runs 5 --scale 0.1",
    )
    assert "page" not in typed([]).names
    assert typed(["--seed", "7"]).command == "python -m tests.benchmarks --seed 7 --runs 5"


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["page", "--keep"], ["--keep", "--scale", "0.5"], ["--runs", "0"], ["--from", "nothing"]]
)
def test_what_cannot_be_run_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        typed(arguments)
    assert "error: " in capsys.readouterr().err


def test_a_benchmark_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(BENCHMARKS, "broken", "tests.benchmarks.not_there")
    monkeypatch.setitem(BENCHMARKS, "good", "tests.test_benchmarks")
    run_ = Run()
    asyncio.run(run_.measure(Typed(names=("broken", "good"), seed=7, runs=1, scale=1, keep=False), tmp_path))

    assert (run_.failed, [each.name for each in run_.whole.figures]) == (["broken"], ["seed 7 in good"])
    assert "not_there" in capsys.readouterr().err


async def run(plan: Plan) -> Outcome:
    """Run as a benchmark does."""
    return Outcome(
        figures=[Figure(benchmark="good", name=f"seed {plan.seed} in {plan.folder.name}", unit="", values=(1,))]
    )
