"""A day without a link, second by second of virtual time."""

from pathlib import Path

import pytest

from tests.house import virtually
from tests.sides.test_rainbow import offline_for


@pytest.mark.scale
@pytest.mark.timeout(900)
def test_day_without_a_link_ends_with_everybody_told_and_shown(tmp_path: Path) -> None:
    async def test() -> None:
        await offline_for(tmp_path, 86_400)

    virtually(test)
