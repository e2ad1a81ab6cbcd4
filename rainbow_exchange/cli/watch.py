"""Looking again and again until Ctrl-C: a screen that is kept up to date, or lines where no person looks.

The sequences are those of ECMA-48 and xterm, which Windows' consoles obey as well once asked to:
https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import FrameType
from typing import Any

import click

from rainbow_exchange.cli import status_screen
from rainbow_exchange.cli.terminal import is_terminal, print_lines
from rainbow_exchange.network.shown import few, printable

#: problems that a line says in full
_SAID = 3
_OTHER_SCREEN, _BACK = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
#: https://learn.microsoft.com/windows/console/setconsolemode
_STDOUT_HANDLE, _VIRTUAL_TERMINAL = -11, 0x0004


def watch(look: Callable[[], dict[str, Any]], *, every: float, as_json: bool) -> dict[str, Any]:
    """Show what `look` gives, every so many seconds, until Ctrl-C; return what it gave last.

    Raises KeyboardInterrupt where it has given nothing yet.
    """
    if as_json:
        return _until_interrupted(look, lambda answer, _: click.echo(json.dumps(answer)), every)
    if is_terminal(sys.stdout) and _obeys_sequences():
        with _another_screen():
            answer = _until_interrupted(look, _redraw(every), every)
        print_lines(status_screen.lines(answer, now=datetime.now().astimezone()))
        return answer
    return _until_interrupted(look, _lines(), every)


#: takes an answer, and what has happened to the daemon itself ("" for nothing)
Show = Callable[[Mapping[str, Any], str], object]


def _until_interrupted(look: Callable[[], dict[str, Any]], show: Show, every: float) -> dict[str, Any]:
    """Call `show` with each answer."""
    answer: dict[str, Any] | None = None
    life = _Life()
    try:
        while True:
            answer = look()
            show(answer, life.remark(answer.get("started")))
            time.sleep(every)
    except KeyboardInterrupt:
        if answer is None:
            raise
        return answer


class _Life:
    """What becomes of the daemon while it is watched."""

    def __init__(self) -> None:
        self._known: str | None = None
        self._said = ""

    def remark(self, started: str | None) -> str:
        """Say what has become of it; `started` is when the one that answers was, None while none does."""
        if started is None:
            self._said = "It was there before; looking on until it is back." if self._known else ""
        elif self._known is not None and started != self._known:
            self._said = f"The daemon was started anew at {_clock(started)}."
        elif "anew" not in self._said:
            self._said = ""
        self._known = started or self._known
        return self._said


def _lines() -> Show:
    """Print a line when state or problems are others than before, or the daemon is another one."""
    before: tuple[object, ...] = ()
    said = ""

    def show(answer: Mapping[str, Any], remark: str) -> None:
        nonlocal before, said
        seen = (answer["state"], answer.get("started"), sorted(problem["id"] for problem in answer["problems"]))
        if seen != before:
            click.echo(printable(line(answer, remark if remark != said else "", now=datetime.now().astimezone())))
            before, said = seen, remark

    return show


def line(answer: Mapping[str, Any], remark: str, *, now: datetime) -> str:
    """Say on one line how it is, and why."""
    problems = few(answer["problems"], _SAID, lambda problem: f"{problem['id']}: {problem['text'].rstrip('.')}")
    shown = f"{now:%Y-%m-%d %H:%M:%S}  {answer['state'].capitalize()}"
    return ". ".join(filter(None, (f"{shown}: {problems}" if problems else shown, remark)))


def _redraw(every: float) -> Show:
    def show(answer: Mapping[str, Any], remark: str) -> None:
        now = datetime.now().astimezone()
        last = " ".join(filter(None, (f"{now:%H:%M:%S}, looked at every {every:g} s. Ctrl-C ends this.", remark)))
        _draw(frame([*status_screen.lines(answer, now=now)], last, shutil.get_terminal_size()))

    return show


def frame(shown: Sequence[str], last: str, size: os.terminal_size) -> str:
    """Write a screen over the one before, each line in its place: what stays the same does not flicker.

    Nothing is wider or higher than the screen, which would then scroll.
    """
    width, height = max(size.columns - 1, 1), max(size.lines, 3)
    fitting = [printable(each)[:width] for each in shown]
    room = height - 2
    if len(fitting) > room:
        more = len(fitting) - room + 1
        left_out = f"... {more} lines more: make the window higher, or type rainbow-exchange status"
        fitting = [*fitting[: room - 1], left_out[:width]]
    return _HOME + "".join(f"{each}{_REST_OF_LINE}\r\n" for each in (*fitting, "")) + last[:width] + _REST_OF_SCREEN


@contextlib.contextmanager
def _another_screen() -> Iterator[None]:
    """Draw on the terminal's other screen, so that what stood there before is there again afterwards."""
    before = signal.signal(signal.SIGTERM, _end)
    _draw(_OTHER_SCREEN)
    try:
        yield
    finally:
        _draw(_BACK)
        signal.signal(signal.SIGTERM, before)


def _draw(text: str) -> None:
    """Write to the terminal itself: click would take out, or translate, what is meant for it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _end(number: int, _frame: FrameType | None) -> None:
    """Leave the terminal as it was, whoever asks us to end."""
    sys.exit(128 + number)


def _obeys_sequences() -> bool:
    """Whether the terminal can be drawn on; a console of Windows is asked to."""
    if sys.platform != "win32":
        return os.environ.get("TERM", "dumb") != "dumb"
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        import ctypes  # noqa: PLC0415  (here only)
        from ctypes import wintypes  # noqa: PLC0415  (same)

        kernel = ctypes.WinDLL("kernel32")
        kernel.GetStdHandle.restype = wintypes.HANDLE
        console, mode = wintypes.HANDLE(kernel.GetStdHandle(_STDOUT_HANDLE)), wintypes.DWORD()
        if not kernel.GetConsoleMode(console, ctypes.byref(mode)):
            return False
        return bool(kernel.SetConsoleMode(console, mode.value | _VIRTUAL_TERMINAL))


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone():%H:%M:%S}"
