"""Companies of thousands."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, except where it must not be."""
    if os.environ.get("CI") == "true" or os.environ.get("RAINBOW_EXCHANGE_SCALE"):
        return
    for item in items:
        if item.get_closest_marker("scale"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; RAINBOW_EXCHANGE_SCALE=1 has it run"))


@pytest.fixture(autouse=True)
def _warnings_only() -> Iterator[None]:
    """Thousands say much."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()
