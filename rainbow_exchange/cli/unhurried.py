"""Standard output and error whose reader may be slow or gone: writing there never waits."""

import contextlib
import io
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TextIO

import structlog

from rainbow_exchange.cli.terminal import is_terminal

log = structlog.get_logger()

#: what is kept for a slow reader; what comes on top is lost, and counted
_BYTES = 1024 * 1024
#: once something was lost, what still waits when writing goes on: each gap is to be said once, not at each line
_AGAIN_BELOW = _BYTES // 2
#: how long the end waits for the reader to take the rest
_AT_THE_END = 1.0


class Unhurried(io.TextIOBase):
    """Writes to the descriptor `number` in a thread of its own, whole writes or nothing of them.

    `write` raises OSError once the reader has gone. `tell` is told how many writes were lost, when the reader has gone
    on, before what comes next; or at the end. What it writes here comes in their place.
    """

    def __init__(
        self, number: int, encoding: str = "utf-8", *, tell: Callable[[int], None] = lambda _lost: None
    ) -> None:
        super().__init__()
        self._number, self._code, self._tell = number, encoding, tell
        self._lost = 0
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._change = threading.Condition()
        self._gone: OSError | None = None
        self._ended = False
        # Nobody may wait for it at the end: it stands in a write for as long as its reader does not read.
        self._thread = threading.Thread(target=self._pass_on, name="unhurried", daemon=True)
        self._thread.start()

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._number

    def write(self, text: str) -> int:
        """Have the text written; it is lost where too much waits already."""
        data = text.replace("\n", os.linesep).encode(self._code, errors="backslashreplace")
        if self._bytes <= _AGAIN_BELOW:
            self._say_lost()
        with self._change:
            if self._gone is not None:
                raise self._gone
            if self._ended:
                return len(text)
            if self._lost or self._bytes + len(data) > _BYTES:
                self._lost += 1
            else:
                self._waiting.append(data)
                self._bytes += len(data)
                self._change.notify()
        return len(text)

    def _say_lost(self) -> None:
        """Tell how many; without the lock, since others may stand before it with those that `tell` needs."""
        with self._change:
            lost, self._lost = self._lost, 0
        if lost:
            self._tell(lost)

    def end(self) -> None:
        """Let the reader take the rest, for a moment."""
        self._say_lost()
        with self._change:
            self._ended = True
            self._change.notify()
        self._thread.join(_AT_THE_END)

    def _pass_on(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                data = self._waiting.popleft()
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._number, rest) :]
            except OSError as error:
                with self._change:
                    self._gone = error
                    self._waiting.clear()
                return
            with self._change:
                self._bytes -= len(data)


@contextlib.contextmanager
def unhurried_streams() -> Iterator[None]:
    """Replace standard output and error while the context is open, except where a person looks at them."""
    with contextlib.ExitStack() as stack:
        for stream, replaced in (
            (sys.stdout, contextlib.redirect_stdout),
            (sys.stderr, contextlib.redirect_stderr),
        ):
            if (unhurried := _before(stream)) is not None:
                stack.callback(unhurried.end)  # while the logs still write to it
                stack.enter_context(replaced(unhurried))
        yield


def _before(stream: TextIO | None) -> Unhurried | None:
    if stream is None or is_terminal(stream):
        return None
    try:
        number = stream.fileno()
        stream.flush()
    except (OSError, ValueError):  # none that the system knows, or closed
        return None
    return Unhurried(number, stream.encoding, tell=lambda lost: log.warning("lines_lost", lines=lost))
