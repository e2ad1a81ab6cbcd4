import contextlib
import os
import sys

import pytest

from rainbow_exchange.cli.unhurried import Unhurried, unhurried_streams
from tests.cli.test_run import full_pipe


def test_each_line_arrives_in_its_order() -> None:
    reading, writing = os.pipe()
    stream = Unhurried(writing)
    for number in range(100):
        stream.write(f"{number} é\n")
    stream.end()
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as read:
        assert read.read().splitlines() == [f"{number} é" for number in range(100)]


def test_what_the_encoding_has_no_sign_for_is_written_as_an_escape() -> None:
    reading, writing = os.pipe()
    stream = Unhurried(writing, "ascii")
    stream.write("é")
    stream.end()
    os.close(writing)
    with os.fdopen(reading, "rb") as read:
        assert read.read() == b"\\xe9"


@pytest.mark.skipif(sys.platform == "win32", reason="whether a pipe is full cannot be asked there")
def test_a_reader_that_reads_late_gets_whole_lines_and_nobody_has_waited() -> None:
    reading, writing = full_pipe()
    stream = Unhurried(writing)
    line = "y" * 99_999 + "\n"
    for _ in range(30):
        assert stream.write(line) == len(line)
    with os.fdopen(reading, encoding="ascii") as read:
        begun = read.read(len(line) * 5)
        stream.end()
        os.close(writing)
        text = (begun + read.read()).lstrip("x")
    assert text == line * (len(text) // len(line))
    assert 5 <= len(text) // len(line) <= 11


@pytest.mark.skipif(sys.platform == "win32", reason="whether a pipe is full cannot be asked there")
def test_what_was_lost_is_counted_and_said_in_its_place_once_the_reader_goes_on() -> None:
    reading, writing = full_pipe()
    stream = Unhurried(writing, tell=lambda lost: print(f"{lost} lost", file=stream))
    for number in range(20):
        stream.write(f"{number} ".ljust(99_999, "y") + "\n")
    with os.fdopen(reading, encoding="ascii") as read:
        come = [read.readline().lstrip("x").split(" ", 1)[0] for _ in range(10)]
        stream.write("on\n")
        stream.write("and on\n")
        stream.end()
        os.close(writing)
        come += read.read().splitlines()
    assert come == [*map(str, range(10)), "10 lost", "on", "and on"]


@pytest.mark.skipif(sys.platform == "win32", reason="whether a pipe is full cannot be asked there")
def test_what_is_lost_at_the_end_is_said_too() -> None:
    reading, writing = full_pipe()
    said: list[int] = []
    stream = Unhurried(writing, tell=said.append)
    for _ in range(20):
        stream.write("y" * 99_999 + "\n")
    stream.end()
    assert len(said) == 1
    assert 9 <= said[0] <= 10
    os.close(reading)
    os.close(writing)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows says so otherwise")
def test_a_reader_that_has_gone_is_said() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = Unhurried(writing)
    stream.write("a line\n")
    stream.end()
    with pytest.raises(BrokenPipeError):
        stream.write("another\n")
    os.close(writing)


def test_streams_without_a_descriptor_stay(capsys: pytest.CaptureFixture[str]) -> None:
    with unhurried_streams():
        sys.stdout.write("out")
        sys.stderr.write("err")
    assert capsys.readouterr() == ("out", "err")
    with contextlib.redirect_stdout(None), unhurried_streams():
        assert sys.stdout is None
