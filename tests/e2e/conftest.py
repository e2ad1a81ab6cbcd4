"""Labs and connectors as processes for a test, and the people in them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.processes import COMMAND, World, until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


@pytest.fixture
def person() -> Callable[..., dict[str, Any]]:
    """Make a user object of Rainbow, as a users file has it."""

    def make(name: str, **more: Any) -> dict[str, Any]:
        address = f"{name}@acme.test"
        return {
            "loginEmail": address,
            "firstName": name.title(),
            "emails": [{"email": address, "type": "work"}],
            "language": "en",
        } | more

    return make


@pytest.fixture
def soon() -> Callable[[float], datetime]:
    """Return the instant so many minutes from now, whole seconds."""
    start = datetime.now(UTC).replace(microsecond=0)
    return lambda minutes: start + timedelta(minutes=minutes)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Hand `until` to tests, which are no package and cannot import it."""
    return until


@pytest.fixture
def installed_command() -> Path:
    """Give the path of the installed command."""
    return COMMAND
