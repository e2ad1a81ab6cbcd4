"""Which event loop `run` runs on."""

import asyncio
import sys
from pathlib import Path
from types import ModuleType

import pytest
from structlog.testing import capture_logs

from rainbow_exchange import event_loop
from rainbow_exchange.loop_lag import new_loop


class Faster(asyncio.SelectorEventLoop):
    """A loop of another package."""


async def named() -> str:
    return event_loop.running()


def test_without_the_extra_it_is_pythons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, event_loop.FASTER, None)

    with capture_logs() as logged:
        assert event_loop.run(named(), new_loop) == "asyncio"
    assert logged == []


def test_a_faster_one_that_is_installed_is_used_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType(event_loop.FASTER)
    monkeypatch.setattr(package, "new_event_loop", Faster, raising=False)
    monkeypatch.setattr(Faster, "__module__", f"{event_loop.FASTER}.loop")
    monkeypatch.setitem(sys.modules, event_loop.FASTER, package)

    assert event_loop.run(named(), new_loop) == event_loop.FASTER


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("raise ImportError('libuv.so.1 cannot be opened')\n", "libuv.so.1 cannot be opened"),
        # as where it was made for another version of Python
        ("import compiled_for_another\n", "No module named 'compiled_for_another'"),
    ],
)
def test_one_that_does_not_load_is_said_and_python_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, reason: str
) -> None:
    (tmp_path / f"{event_loop.FASTER}.py").write_text(content, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, event_loop.FASTER, raising=False)

    with capture_logs() as logged:
        assert event_loop.run(named(), new_loop) == "asyncio"
    assert logged == [
        {
            "event": "faster_loop_unusable",
            "log_level": "warning",
            "package": event_loop.FASTER,
            "reason": reason,
        }
    ]
