"""A run as a picture, for whoever wants to see where it bends."""

from collections.abc import Mapping, Sequence

from tests.drawing import Panel, svg
from tests.soak.series import Sample


def plot(samples: Sequence[Sample], title: str) -> str:
    """Give memory, blocks of memory, and the counts, over minutes, as SVG; the calms are shaded."""
    minutes = [each.at / 60 for each in samples]
    kinds = [name for name in _names(samples) if name == "tasks" or _grows(samples, name)]
    streams = {"streams": [each.sizes["streams"] for each in samples]}
    panels: Mapping[str, Mapping[str, Sequence[float]]] = {
        "memory, MiB": {"resident": [each.sizes["memory"] / 2**20 for each in samples]},
        "Python's blocks, thousands": {"blocks": [each.sizes["blocks"] / 1000 for each in samples]},
        "tasks": _series(samples, kinds),
        "open": _series(samples, ["sockets", "files", "threads"]) | streams,
    }
    return svg(
        [
            Panel(
                title=title,
                x_name="minutes; shaded: calm",
                y_name=name,
                lines={each: list(zip(minutes, values, strict=True)) for each, values in lines.items()},
                shaded=_calms(samples),
                from_zero=False,
            )
            for name, lines in panels.items()
        ]
    )


def _names(samples: Sequence[Sample]) -> list[str]:
    return sorted({name for each in samples for name in each.counts})


def _grows(samples: Sequence[Sample], name: str) -> bool:
    """Whether a kind of task ever differs in number: the others would only hide it."""
    values = {each.counts.get(name, 0) for each in samples}
    return name.startswith("tasks:") and len(values) > 1


def _series(samples: Sequence[Sample], names: Sequence[str]) -> dict[str, list[float]]:
    return {name: [each.counts.get(name, 0) for each in samples] for name in names}


def _calms(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    inside: dict[int, list[float]] = {}
    for each in samples:
        if each.calm is not None:
            inside.setdefault(each.calm, []).append(each.at / 60)
    return [(times[0], times[-1]) for times in inside.values()]
