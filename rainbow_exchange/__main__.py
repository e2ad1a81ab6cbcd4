"""The command `rainbow-exchange`, also as `python -m rainbow_exchange`."""

import os
import signal
import sys
from types import FrameType

from rainbow_exchange.cli.main import commands
from rainbow_exchange.cli.terminal import prepare_streams


def main() -> None:
    """Run the command line; ends the process with the command's exit code."""
    prepare_streams()
    if sys.argv[1:2] == ["run"]:
        signal.signal(signal.SIGINT, _leave)  # until it has begun anything: `run` takes over then
    commands.main(prog_name="rainbow-exchange")


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Stop before anything has begun. An exception could get lost in an import."""
    os._exit(0)


if __name__ == "__main__":
    main()
