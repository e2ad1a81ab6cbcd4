"""Every test of the suite is one of privacy besides: what comes to light in it that may not fails it."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.leaks.given import note
from tests.leaks.heard import Ears
from tests.leaks.kept import KEPT

EARS = Ears(KEPT)


def makes_up(item: pytest.Item) -> bool:
    """Whether Hypothesis makes up a test's values: a secret of it may be alike to what is none."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


class Leaks:
    """Listens from the first test to the last; one that is marked `tells` says aloud, on purpose, what it has made."""

    def __init__(self) -> None:
        self.patch = pytest.MonkeyPatch()
        self.module: Any = None

    def pytest_sessionstart(self) -> None:
        note(KEPT, self.patch)
        EARS.listen(self.patch)

    def pytest_sessionfinish(self) -> None:
        self.patch.undo()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """What another module's tests have made is not looked for: its fixtures are gone."""
        if self.module is not (module := item.getparent(pytest.Module)):
            KEPT.forget()
            self.module = module
        EARS.leaks.clear()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        done = yield
        leaks, EARS.leaks[:] = EARS.leaks[:], []
        if leaks and not item.get_closest_marker("tells") and not makes_up(item):
            pytest.fail("what nobody may see has come to light:\n" + "\n".join(leaks[:20]), pytrace=False)
        return done
