"""Time in these tests is the loop's own: it jumps to the next timer whenever nothing else is to be done."""

from typing import Any

import pytest

from tests.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:  # noqa: ARG001 - its form
    return {"virtual": VirtualLoop}
