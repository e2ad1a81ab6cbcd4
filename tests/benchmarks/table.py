"""The one table of a run: for a terminal, and as Markdown. Pure."""

import math
from collections.abc import Sequence

from docs.made import markdown
from tests.benchmarks.figures import Figure

HEAD = ("benchmark", "figure", "unit", "median", "spread", "runs", "goal", "met")
#: which of them are numbers, and stand at the right
_NUMBERS = {"median", "spread", "runs", "goal"}


def rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Give the cells of each figure, in the order of HEAD; a note is a number in brackets behind its figure's name."""
    noted = notes(figures)
    return [
        (
            each.benchmark,
            each.name + (f" [{noted.index(each.note) + 1}]" if each.note else ""),
            each.unit,
            short(each.median),
            spread(each),
            str(len(each.values)),
            goal(each),
            {True: "yes", False: "no", None: ""}[each.met],
        )
        for each in figures
    ]


def notes(figures: Sequence[Figure]) -> list[str]:
    """Give each note once, in the order of its number."""
    return list(dict.fromkeys(each.note for each in figures if each.note))


def spread(figure: Figure) -> str:
    """Give the lowest and the highest of all runs; nothing for a single one."""
    low, high = figure.spread
    return f"{short(low)} to {short(high)}" if len(figure.values) > 1 else ""


def goal(figure: Figure) -> str:
    """Give the bounds of a figure, or nothing."""
    bounds = (("≥", figure.at_least), ("≤", figure.at_most))
    return ", ".join(f"{sign} {short(bound)}" for sign, bound in bounds if bound is not None)


def short(value: float) -> str:
    """Give a number as people read it: three digits that count, thousands apart, whole where it is."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    shown = f"{value:,.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def text(figures: Sequence[Figure]) -> str:
    """Give the table for a terminal, with its notes below."""
    lines = [HEAD, *rows(figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = [
        "  ".join(
            cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
            for name, cell, width in zip(HEAD, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    below = [f"[{number}] {note}" for number, note in enumerate(notes(figures), 1)]
    return "\n".join([shown[0], "  ".join("-" * width for width in widths), *shown[1:], *below]) + "\n"


def as_markdown(figures: Sequence[Figure]) -> str:
    """Give the table as Markdown, with its notes below; what is missed stands out."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows(figures)]
    marked = [[*row[:-1], f"**{row[-1]}**" if row[-1] == "no" else row[-1]] for row in cells]
    below = [f"- [{number}] {note}" for number, note in enumerate(notes(figures), 1)]
    return "\n".join([markdown.table(HEAD, marked), *(["", *below] if below else [])]) + "\n"
