"""What the tests of troubleshooting are given."""

import pytest

from tests.troubleshooting.symptoms import Symptom, symptoms


@pytest.fixture
def symptom(request: pytest.FixtureRequest) -> Symptom:
    """Give the section of the page that the test is called after."""
    [found] = [each for each in symptoms() if each.test == request.node.originalname]
    return found
