"""The expected lines are worked out by hand from the rules of each reader, not by another function."""

import pytest

from rainbow_exchange.service import quoting


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["a", "b"], "a b"),
        (["a b"], '"a b"'),
        ([""], '""'),
        (["C:\\dir\\"], "C:\\dir\\"),
        (["C:\\a dir\\"], '"C:\\a dir\\\\"'),
        (['say "x"'], '"say \\"x\\""'),
        (['C:\\a\\"b'], 'C:\\a\\\\\\"b'),
        (["--config", "C:\\P F\\c.toml"], '--config "C:\\P F\\c.toml"'),
    ],
)
def test_a_windows_program_finds_its_arguments_again(arguments: list[str], line: str) -> None:
    assert quoting.windows_line(arguments) == line


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("plain", "plain"),
        ("100%", "100%%"),
        ("C:\\R & D", '"C:\\R & D"'),
        ("R&D", "R^&D"),
        ("*S-1-5-18:(OI)(CI)F", "*S-1-5-18:^(OI^)^(CI^)F"),
        ('run --config "C:\\R & D\\c"', '^"run --config \\^"C:\\R ^& D\\c\\^"^"'),
        ("it's", "it's"),
    ],
)
def test_cmd_reads_a_batch_file_s_line_first(argument: str, line: str) -> None:
    assert quoting.batch_line([argument]) == line


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("/opt/rainbow exchange/bin/python", '"/opt/rainbow exchange/bin/python"'),
        ("50%", "50%%"),
        ("$HOME", "$$HOME"),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a;b", '"a;b"'),
        ("", '""'),
    ],
)
def test_a_unit_means_what_is_written(argument: str, written: str) -> None:
    assert quoting.unit_words([argument]) == written
