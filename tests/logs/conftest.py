"""Logging as a process has it, put back after each test."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave logging as other tests found it."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if getattr(handler, "_ours", False):
            root.removeHandler(handler)
            handler.close()
    logging.captureWarnings(capture=False)
    logging.getLogger("rainbow_exchange").setLevel(logging.NOTSET)
    structlog.reset_defaults()


class Stderr:
    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Stderr:
    return Stderr(capsys)
