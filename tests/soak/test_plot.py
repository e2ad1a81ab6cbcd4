import importlib.util
from pathlib import Path

import pytest

from tests.soak.plot import plot
from tests.soak.series import Sample

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="no matplotlib (pip install --group soak)")
def test_a_run_is_drawn(tmp_path: Path) -> None:
    samples = [
        Sample(
            at=float(second),
            calm=0 if second < 20 else 1 if second > 40 else None,
            counts={"tasks": 44.0, "tasks:read": float(second % 3), "sockets": 9, "files": 16, "threads": 1},
            sizes={"memory": 9e7, "blocks": 4e5, "streams": 3},
        )
        for second in range(60)
    ]
    plot(samples, "made up", tmp_path / "soak.png")

    assert (tmp_path / "soak.png").read_bytes().startswith(PNG)
