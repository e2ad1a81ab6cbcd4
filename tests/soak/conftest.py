"""Real processes for a minute."""

import os
import sys

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes a minute, except where it must not be."""
    wanted = os.environ.get("CI") == "true" or os.environ.get("RAINBOW_EXCHANGE_SOAK")
    for item in items:
        if not item.get_closest_marker("soak"):
            continue
        if not wanted:
            item.add_marker(pytest.mark.skip(reason="takes a minute; RAINBOW_EXCHANGE_SOAK=1 has it run"))
        if sys.platform != "linux":
            item.add_marker(pytest.mark.skip(reason="what a process holds is read from /proc"))
