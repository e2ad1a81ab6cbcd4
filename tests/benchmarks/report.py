"""What a run leaves: `bench.json`, `index.html` with its plots, and the parts of `docs/reference/performance.md`."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any, Self

from docs.made import DOCS, fill
from docs.made.markdown import table as markdown_table
from tests.benchmarks import table
from tests.benchmarks.figures import Figure, Hold, Outcome, Series
from tests.drawing import MISSING, Panel, svg

PAGE = DOCS / "reference" / "performance.md"
PICTURES = DOCS / "images" / "performance"
#: who writes the parts of that page, as its comments say
SOURCE = "measured by `make bench`"
SOURCE_OF_SPEED = "measured by `python -m tests.benchmarks speed`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run: when, by what, where, and what came out; `took` are the seconds of each benchmark."""

    at: str
    command: str
    seed: int
    machine: Mapping[str, str]
    settings: Mapping[str, str]
    took: Mapping[str, float]
    outcome: Outcome

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `json` gave."""
        kept: Mapping[str, Any] = json.loads(text)
        own = set(Figure.__dataclass_fields__)
        figures = [{name: value for name, value in each.items() if name in own} for each in kept["figures"]]
        return cls(
            at=kept["at"],
            command=kept["command"],
            seed=kept["seed"],
            machine=kept["machine"],
            settings=kept["settings"],
            took=kept["took_seconds"],
            outcome=Outcome(
                figures=[Figure(**each | {"values": tuple(each["values"])}) for each in figures],
                series=[Series(**each) for each in kept["series"]],
                loops=[Hold(**each) for each in kept["loop"]],
            ),
        )

    def json(self) -> str:
        """Give everything as JSON."""
        return json.dumps(
            {
                "schema_version": 1,
                "at": self.at,
                "command": self.command,
                "seed": self.seed,
                "machine": dict(self.machine),
                "settings": dict(self.settings),
                "took_seconds": {name: round(seconds, 1) for name, seconds in self.took.items()},
                "figures": [_figure(each) for each in self.outcome.figures],
                "series": [asdict(each) for each in self.outcome.series],
                "loop": [asdict(each) for each in self.outcome.loops],
            },
            indent=1,
            ensure_ascii=False,
        )

    def empty(self) -> list[str]:
        """Give the benchmarks that gave no figure, as they could not be run."""
        found = {each.benchmark for each in self.outcome.figures}
        return [name for name in self.took if name not in found]

    def html(self) -> str:
        """Give a page that needs nothing else: the table, its notes, the machine, every plot if they can be drawn."""
        head = "".join(f"<th>{escape(each)}</th>" for each in table.HEAD)
        rows = "".join(
            f'<tr class="{row[-1] or "none"}">' + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n"
            for row in table.rows(self.outcome.figures)
        )
        notes = "".join(f"<li>{escape(each)}</li>" for each in table.notes(self.outcome.figures))
        drawn = [] if MISSING else [f"<figure>{picture(each)}</figure>" for each in self.outcome.series]
        plots = "\n".join(drawn) or f"<p>{escape(MISSING or 'none')}</p>"
        where = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in self.facts().items()
        )
        return (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Performance</title>\n'
            f"<style>{_STYLE}</style>\n"
            f"<h1>Performance</h1>\n<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>\n"
            f"<ol>{notes}</ol>\n<h2>The machine</h2>\n<table><tbody>{where}</tbody></table>\n"
            f"<h2>Plots</h2>\n{plots}\n</html>\n"
        )

    def facts(self) -> dict[str, str]:
        """Give what is to be known beside the figures."""
        took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.took.items())
        settings = ", ".join(f"{name} = {value}" for name, value in self.settings.items())
        return {
            "when": self.at,
            "command": self.command,
            "seed": str(self.seed),
            **self.machine,
            "it took": f"{took}; {sum(self.took.values()) / 60:.1f} minutes in all",
            "settings that are not default": settings or "none",
        }

    def write(self, folder: Path) -> None:
        """Write bench.json and index.html into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench.json").write_text(self.json() + "\n", encoding="utf-8")
        self.write_page(folder)

    def write_page(self, folder: Path) -> None:
        """Write index.html alone."""
        (folder / "index.html").write_text(self.html(), encoding="utf-8")

    def keep(self, page: Path = PAGE, pictures: Path = PICTURES) -> None:
        """Write into the page of the documentation what it has a place for: the run of all, what `speed` found."""
        text = page.read_text(encoding="utf-8")
        speed = [each for each in self.outcome.figures if each.benchmark == "speed"]
        if speed:
            shown = f"{table.as_markdown(speed)}\n{self.at}: `{self.command}`"
            text = fill(text, {"speed": shown}, source=SOURCE_OF_SPEED)
        figures = [each for each in self.outcome.figures if each.benchmark not in {"speed", "page"}]
        if figures:
            text = fill(text, self._parts(figures, pictures), source=SOURCE)
        page.write_text(text, encoding="utf-8", newline="\n")

    def _parts(self, figures: Sequence[Figure], pictures: Path) -> dict[str, str]:
        """Give table, machine and plots as Markdown; the plots are put beside it as pictures."""
        pictures.mkdir(parents=True, exist_ok=True)
        for old in pictures.glob("*.svg"):
            old.unlink()
        shown = []
        for each in self.outcome.series:
            (pictures / f"{file_name(each)}.svg").write_text(picture(each), encoding="utf-8")
            shown.append(f"![{each.name}](../images/{pictures.name}/{file_name(each)}.svg)")
        return {
            "table": table.as_markdown(figures),
            "machine": markdown_table(["what", "value"], [[name, value] for name, value in self.facts().items()]),
            "plots": "\n\n".join(shown),
        }


def picture(series: Series) -> str:
    """Draw it."""
    title = f"{series.benchmark}: {series.name}"
    return svg([Panel(title=title, x_name=series.x_name, y_name=series.y_name, lines=series.lines)])


def file_name(series: Series) -> str:
    """Give the name of its picture, without an ending."""
    return re.sub(r"[^a-z0-9]+", "-", f"{series.benchmark} {series.name}".lower()).strip("-")


def _figure(figure: Figure) -> dict[str, object]:
    more = {"median": figure.median, "spread": list(figure.spread), "met": figure.met}
    return asdict(figure) | more


def missed(figures: Sequence[Figure]) -> list[Figure]:
    """Give the figures that do not keep to their goals."""
    return [each for each in figures if each.met is False]


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ccc; padding: .2rem .6rem; text-align: left; vertical-align: top; }
tr.no td:last-child { color: #b00020; font-weight: bold; }
figure { margin: 1rem 0; overflow-x: auto; }
"""
