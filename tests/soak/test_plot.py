from xml.etree import ElementTree as ET

import pytest

from tests.drawing import MISSING
from tests.soak.plot import plot
from tests.soak.series import Sample


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_run_is_drawn_with_its_calms_and_the_tasks_that_differ_in_number() -> None:
    samples = [
        Sample(
            at=float(second),
            calm=0 if second < 20 else 1 if second > 40 else None,
            counts={"tasks": 44.0, "tasks:read": float(second % 3), "tasks:page": 1, "sockets": 9, "files": 16},
            sizes={"memory": 9e7, "blocks": 4e5, "streams": 3},
        )
        for second in range(60)
    ]
    drawn = ET.fromstring(plot(samples, "made up"))  # noqa: S314 (we have made it)

    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [texts.count(name) for name in ("made up", "resident", "tasks:read", "tasks:page", "streams")] == [
        *(4, 1, 1, 0, 1)
    ]
    shaded = [each for each in drawn.iter("{http://www.w3.org/2000/svg}path") if "#e5f5ee" in each.get("style", "")]
    assert len(shaded) == 2 * 4
