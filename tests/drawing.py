"""Lines over an axis as a picture in SVG, drawn by matplotlib, which the group `plots` brings.

The same lines give the same text, byte by byte, with the same matplotlib: a picture that is kept changes only where its
figures do. An axis whose values all lie above 0 and span more than fifty times is logarithmic. Any other y axis begins
at 0, unless what matters is how values bend.
"""

import importlib
import importlib.util
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Points = Sequence[tuple[float, float]]

#: why nothing can be drawn, and what to do about it; empty where all is there
MISSING = (
    ""
    if importlib.util.find_spec("matplotlib")
    else "no plot can be drawn without matplotlib: python -m pip install --group plots"
)

_WIDTH, _HEIGHT = 760 / 72, 300 / 72
#: told apart by whoever sees few colours, too (Okabe and Ito); beyond them lines are dashed
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_DASHES = ("-", "--", ":")
_SHADE = "#e5f5ee"
#: a line of no more points shows each of them
_FEW = 30
_SPAN = 50
#: so many names stand below each other beside a panel
_NAMES = 12
_STYLE = {
    "svg.fonttype": "none",  # text stays text, which can be searched
    "svg.hashsalt": "rainbow-exchange",
    "text.parse_math": False,
    "font.sans-serif": ["DejaVu Sans"],  # which comes with matplotlib, and by whose widths it is laid out
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.xmargin": 0.02,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "lines.markersize": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture; `shaded` are stretches of the x axis, `from_zero` where the y axis begins."""

    title: str
    x_name: str
    y_name: str
    lines: Mapping[str, Points]
    shaded: Sequence[tuple[float, float]] = ()
    from_zero: bool = True


def svg(panels: Sequence[Panel]) -> str:
    """Give the panels, one below the other, as one `<svg>`, which is a file by itself or a part of a page.

    Raises ModuleNotFoundError where there is no matplotlib.
    """
    # By name, since the types must hold where the group is not installed as well.
    matplotlib: Any = importlib.import_module("matplotlib")
    figures: Any = importlib.import_module("matplotlib.figure")
    written = io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever this account has set for itself
        cycle = matplotlib.cycler(linestyle=_DASHES) * matplotlib.cycler(color=_COLOURS)
        matplotlib.rcParams.update(_STYLE | {"axes.prop_cycle": cycle})
        figure = figures.Figure(figsize=(_WIDTH, _HEIGHT * len(panels)), layout="constrained")
        for axes, panel in zip(figure.subplots(len(panels), squeeze=False).flat, panels, strict=True):
            _draw(axes, panel)
        title = "; ".join(panel.title for panel in panels)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(written, format="svg", metadata=nothing | {"Title": title})
    text = written.getvalue()
    return text[text.index("<svg") :]  # what stands before it has no place in a page


def _draw(axes: Any, panel: Panel) -> None:
    axes.set_title(panel.title)
    points = [point for line in panel.lines.values() for point in line]
    if not points:
        axes.set_axis_off()
        axes.text(0, 0.5, "nothing was measured")
        return
    for start, end in panel.shaded:
        axes.axvspan(start, end, facecolor=_SHADE, linewidth=0, zorder=0)
    for name, line in panel.lines.items():
        axes.plot([x for x, _ in line], [y for _, y in line], marker="o" if len(line) <= _FEW else "", label=name)
    if _wide([x for x, _ in points]):
        axes.set_xscale("log")
    if _wide([y for _, y in points]):
        axes.set_yscale("log")
    elif panel.from_zero:
        axes.set_ylim(bottom=min(0.0, *(y for _, y in points)))
    axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.set_xlabel(panel.x_name)
    axes.set_ylabel(panel.y_name)
    columns = 1 + (len(panel.lines) - 1) // _NAMES
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, ncols=columns)


def _wide(values: Sequence[float]) -> bool:
    low, high = min(values), max(values)
    return low > 0 and high / low > _SPAN
