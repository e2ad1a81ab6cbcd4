"""Standard output and error whose reader may be slow or gone: writing there never waits."""

import contextlib
import io
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from rainbow_exchange.cli.terminal import is_terminal

#: what is kept for a slow reader; what comes on top is not shown
_BYTES = 1024 * 1024
#: how long the end waits for the reader to take the rest
_AT_THE_END = 1.0


class Unhurried(io.TextIOBase):
    """Writes to the descriptor `number` in a thread of its own, whole writes or nothing of them.

    `write` raises OSError once the reader has gone.
    """

    def __init__(self, number: int, encoding: str = "utf-8") -> None:
        super().__init__()
        self._number, self._code = number, encoding
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
        with self._change:
            if self._gone is not None:
                raise self._gone
            if not self._ended and self._bytes + len(data) <= _BYTES:
                self._waiting.append(data)
                self._bytes += len(data)
                self._change.notify()
        return len(text)

    def end(self) -> None:
        """Let the reader take the rest, for a moment."""
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
                stack.callback(unhurried.end)
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
    return Unhurried(number, stream.encoding)
