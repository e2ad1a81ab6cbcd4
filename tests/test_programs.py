import sys
import time

import pytest

from rainbow_exchange import programs


def test_code_and_both_streams_are_given() -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    code, said = programs.run([sys.executable, "-S", "-c", script], seconds=60)
    assert (code, said.split()) == (3, [b"out", b"err"])


def test_the_limit_holds_though_a_grandchild_keeps_the_output_open() -> None:
    script = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    )
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"did not end within 0\.5 s"):
        programs.run([sys.executable, "-S", "-c", script], seconds=0.5)
    assert time.monotonic() - started < 40


def test_what_a_program_leaves_running_is_not_waited_for() -> None:
    script = (
        "import subprocess, sys; print('begun', flush=True);"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])"
    )
    started = time.monotonic()
    code, said = programs.run([sys.executable, "-S", "-c", script], seconds=40)
    assert (code, said.split()) == (0, [b"begun"])
    assert time.monotonic() - started < 40


def test_what_is_typed_arrives_and_need_not_be_read() -> None:
    echo = "import sys; print(sys.stdin.readline())"
    assert programs.run([sys.executable, "-S", "-c", echo], seconds=60, typed=b"word\n")[1].split() == [b"word"]
    assert programs.run([sys.executable, "-S", "-c", ""], seconds=60, typed=b"word\n") == (0, b"")


def test_what_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        programs.run(["./no-such-program"], seconds=1)
