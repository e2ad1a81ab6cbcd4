"""What the tests of operations share: requests checked by the vendor's schema, and answers by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from rainbow_exchange.ews.soap import build, open_envelope
from rainbow_exchange.ews.types import ConnectingSid, Operation

FIXTURES = Path(__file__).parents[3] / "fixtures" / "ews"


@pytest.fixture(scope="session")
def schema(shared: Path) -> etree.XMLSchema:
    """Give Microsoft's schema of EWS."""
    return etree.XMLSchema(etree.parse(shared / "ews" / "schemas" / "all.xsd"))


@pytest.fixture
def checked(schema: etree.XMLSchema) -> Callable[..., etree._Element]:
    """Give a function that writes a request, validates it, and returns the operation's element."""

    def write(operation: Operation[Any], impersonate: ConnectingSid | None = None) -> etree._Element:
        header, body = etree.fromstring(build(operation, impersonate=impersonate))
        assert len(body) == 1
        for part in (*header, body[0]):
            schema.assertValid(part)
        return body[0]

    return write


@pytest.fixture
def answer() -> Callable[[str], etree._Element]:
    """Give a function that opens `fixtures/ews/<name>.xml`."""
    return lambda name: open_envelope((FIXTURES / f"{name}.xml").read_bytes()).body_element


@pytest.fixture
def sample(shared: Path) -> Callable[[str], etree._Element]:
    """Give a function that opens a recorded answer by its name."""
    return lambda name: open_envelope((shared / "ews" / "samples" / f"{name}.xml").read_bytes()).body_element
