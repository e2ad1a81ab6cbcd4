"""The command `rainbow-exchange`, also as `python -m rainbow_exchange`."""

import errno
import gc
import os
import signal
import sys
from types import FrameType

#: an exit code as shells know it
_INTERRUPTED = 130
#: what a stream of ours can fail with: its disk is full, or whatever it leads to has gone
_OUTPUT_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EINVAL, errno.EBADF}


def main() -> None:
    """Run the command line; ends the process with the command's exit code."""
    signal.signal(signal.SIGINT, _leave)  # while it imports: an exception gets lost in that, or becomes another one
    gc.disable()  # same: what it imports is no garbage
    from rainbow_exchange.cli.main import commands, read  # noqa: PLC0415  (Ctrl-C is met first)
    from rainbow_exchange.cli.terminal import prepare_streams  # noqa: PLC0415  (same)

    prepare_streams()
    read(sys.argv[1] if sys.argv[1:] else "")
    gc.freeze()  # else the first look would go through all of that
    gc.enable()
    if sys.argv[1:2] != ["run"]:  # which takes over as soon as it has begun anything
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            commands.main(prog_name="rainbow-exchange")
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what has ended is not to be interrupted while it is put away
            _flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_FAULTS:
            raise
        _say_no_more(error)


def _flush() -> None:
    """Find out now whether all could be written, and not when nobody can say so any more."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def _say_no_more(error: OSError) -> None:
    """End with code 1: the output leads nowhere. Whoever has closed a pipe, as `head` does, wants no word of it."""
    if error.errno != errno.EPIPE and sys.stderr is not None:
        os.write(2, f"Error: the output cannot be written ({error.strerror}).\n".encode())
    os._exit(1)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Stop before anything has begun."""
    os._exit(0 if sys.argv[1:2] == ["run"] else _INTERRUPTED)


if __name__ == "__main__":
    main()
