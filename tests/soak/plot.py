"""A run as a picture, for whoever wants to see where it bends. matplotlib comes with the group `soak`."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.soak.series import Sample


def plot(samples: Sequence[Sample], title: str, file: Path) -> None:
    """Write a PNG: memory, blocks of memory, and the counts, over minutes; the calms are shaded."""
    # By name, since the types must hold where the group is not installed as well.
    figure: Any = importlib.import_module("matplotlib.figure").Figure(figsize=(11, 11), layout="constrained")
    minutes = [each.at / 60 for each in samples]
    panels: list[tuple[str, dict[str, list[float]]]] = [
        ("memory, MiB", {"resident": [each.sizes["memory"] / 2**20 for each in samples]}),
        ("Python's blocks, thousands", {"blocks": [each.sizes["blocks"] / 1000 for each in samples]}),
        ("tasks", _series(samples, [name for name in _names(samples) if name == "tasks" or _grows(samples, name)])),
        (
            "open",
            _series(samples, ["sockets", "files", "threads"])
            | {"streams": [each.sizes["streams"] for each in samples]},
        ),
    ]
    axes = figure.subplots(len(panels), 1, sharex=True)
    for axis, (label, lines) in zip(axes, panels, strict=True):
        for name, values in lines.items():
            axis.plot(minutes, values, linewidth=1, label=name)
        for start, end in _calms(samples):
            axis.axvspan(start, end, color="tab:green", alpha=0.12, linewidth=0)
        axis.set_ylabel(label)
        axis.legend(loc="upper left", fontsize="x-small", ncols=4)
    axes[0].set_title(title, fontsize="medium")
    axes[-1].set_xlabel("minutes; shaded: calm")
    figure.savefig(file, dpi=100)


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
