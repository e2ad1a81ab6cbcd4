"""Running another program to its end, within a time that holds on Windows, too.

`subprocess.run` with a limit ends the program when time is up and then reads its output to the end, which on Windows
comes only when everybody has gone who inherited the pipe: a child of that program holds it for ever.
"""

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence

_GRACE = 5.0


def run(
    command: Sequence[str],
    *,
    seconds: float,
    shown: bool = False,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Give exit code and output (both streams), or with `shown` leave all streams as they are.

    Raises OSError where it cannot be run, TimeoutError where it does not end.
    """
    process = subprocess.Popen(  # noqa: S603  (no shell; whose programs these are, callers say)
        command,
        stdin=None if shown else subprocess.DEVNULL,
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        env=environment,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except BaseException as error:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        if sys.platform != "win32" and process.stdout is not None:
            process.stdout.close()  # there a thread still reads it, and closing would wait for that
        if isinstance(error, subprocess.TimeoutExpired):
            raise TimeoutError(f"it did not end within {seconds:g} s") from None
        raise
    return process.returncode, said or b""
