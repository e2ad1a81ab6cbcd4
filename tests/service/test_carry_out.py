import sys
import time
from pathlib import Path

import pytest

from rainbow_exchange.service.carry_out import StepFailedError, answer, carry_out
from rainbow_exchange.service.plan import MakeFolder, RemoveFile, Run, Step, WriteFile

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the steps here are commands of a POSIX shell")


def shell(script: str, *, back: str = "", typed: str | None = None) -> Run:
    undo = ("sh", "-c", back) if back else ()
    return Run(what=script, command=("sh", "-c", script), back=undo, typed=typed, asks_password=typed is not None)


def done(*steps: Step) -> list[str]:
    shown: list[str] = []
    carry_out(steps, lambda step: shown.append(step.what))
    return shown


def failure(*steps: Step) -> StepFailedError:
    with pytest.raises(StepFailedError) as caught:
        done(*steps)
    return caught.value


def test_steps_are_done_in_order_each_said_before(tmp_path: Path) -> None:
    folder, file = tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"
    steps = (
        MakeFolder(what="folder", path=str(folder)),
        WriteFile(what="file", path=str(file), content="é\n", mode=0o640),
        shell(f"cat {file} > {tmp_path}/copy"),
        RemoveFile(what="gone", path=str(file)),
        RemoveFile(what="gone already", path=str(file)),
    )
    assert done(*steps) == ["folder", "file", f"cat {file} > {tmp_path}/copy", "gone", "gone already"]
    assert (tmp_path / "copy").read_text(encoding="utf-8") == "é\n"
    assert list(folder.iterdir()) == []


def test_a_file_has_its_mode_whatever_the_mask_is(tmp_path: Path) -> None:
    done(WriteFile(what="w", path=str(tmp_path / "x"), content="", mode=0o644))
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_a_password_goes_to_standard_input_and_nowhere_else(tmp_path: Path) -> None:
    step = shell(f'read -r given; echo "$given" > {tmp_path}/given; echo no >&2; exit 3', typed="pässword")
    error = failure(step)
    assert (tmp_path / "given").read_text(encoding="utf-8") == "pässword\n"
    assert "pässword" not in f"{error} {error!r} {step!r}"
    assert str(error) == "exit code 3: no"


def test_the_first_step_s_failure_leaves_everything_as_it_was() -> None:
    assert failure(shell("exit 1")).left == "Nothing was changed"


def test_what_can_be_taken_back_is_the_last_first(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before", encoding="utf-8")
    error = failure(
        shell("true", back=f"echo 1 >> {tmp_path}/undone"),
        WriteFile(what="w", path=str(new), content="x", then=("sh", "-c", f"echo 2 >> {tmp_path}/undone")),
        WriteFile(what="w", path=str(old), content="x"),
        shell("true", back=f"echo 3 >> {tmp_path}/undone"),
        shell("echo why >&2; exit 7"),
    )
    assert error.step.what == "echo why >&2; exit 7"
    assert error.left.startswith("What was made before it was taken back")
    assert (tmp_path / "undone").read_text(encoding="utf-8").split() == ["3", "2", "1"]
    assert (new.exists(), old.read_text(encoding="utf-8")) == (False, "before")


def test_what_cannot_be_taken_back_is_said() -> None:
    assert failure(shell("true"), shell("exit 1")).left == "What was set before it stays"
    error = failure(shell("true", back="echo stuck; exit 4"), shell("exit 1"))
    assert error.left == "What was made before it could not be taken back (exit code 4: stuck)"


def test_ctrl_c_takes_back_as_well(tmp_path: Path) -> None:
    def interrupted(step: Step) -> None:
        if step.what == "second":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(
            [shell("true", back=f"touch {tmp_path}/undone"), RemoveFile(what="second", path=str(tmp_path / "x"))],
            interrupted,
        )
    assert (tmp_path / "undone").exists()


def test_a_program_that_is_not_there_is_named() -> None:
    assert str(failure(Run(what="r", command=("no-such-program",)))) == "No such file or directory: no-such-program"


def test_what_a_program_leaves_running_is_not_waited_for() -> None:
    begun = time.monotonic()
    assert answer(("sh", "-c", "sleep 60 & echo begun")) == (0, "begun")
    assert time.monotonic() - begun < 40


def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(OSError, match=r"it did not end within 0\.2 s"):
        answer(("sleep", "20"), seconds=0.2)


def test_nssm_s_way_of_writing_is_read() -> None:
    assert answer(("printf", "S\\0E\\0R\\0\\r\\0\\n\\0")) == (0, "SER")
