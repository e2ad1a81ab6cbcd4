"""Running another program to its end, within a time that holds on Windows, too.

What it says goes into a file, not into a pipe: whoever the program leaves running inherits that, and on Windows its
reader would wait for the last of them, past any limit (https://docs.python.org/3/library/subprocess.html, `run`).
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

_GRACE = 5.0
#: of what a program says, the first; none that is run here has more to say
_MOST_BYTES = 1024 * 1024


def run(
    command: Sequence[str],
    *,
    seconds: float,
    typed: bytes | None = None,
    shown: bool = False,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Give exit code and output (both streams), or with `shown` leave all streams as they are.

    `typed` is its standard input, a few lines at most. Raises OSError where it cannot be run, TimeoutError where it
    does not end.
    """
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(  # noqa: S603  (no shell; whose programs these are, callers say)
            command,
            stdin=None if shown else subprocess.DEVNULL if typed is None else subprocess.PIPE,
            stdout=None if shown else out,
            stderr=None if shown else subprocess.STDOUT,
            env=environment,
        )
        try:
            process.communicate(typed, timeout=seconds)
        except BaseException as error:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"it did not end within {seconds:g} s") from None
            raise
        finally:
            if process.stdin is not None:
                with contextlib.suppress(OSError):  # it has ended without reading all of it
                    process.stdin.close()
        out.seek(0)
        return process.returncode, out.read(_MOST_BYTES)
