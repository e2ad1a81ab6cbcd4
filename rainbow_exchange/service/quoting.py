"""How a command is written for the shells of each system, and for a unit of systemd. Pure."""

import re
import shlex
import subprocess
from collections.abc import Iterable

#: characters that end a single-quoted string of PowerShell; doubled, each stands for itself
_POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"
_CMD_SPECIAL = re.compile(r'([()!^"<>&|])')


def windows_line(arguments: Iterable[str]) -> str:
    r"""Join arguments so that a Windows program finds them again: spaces, quotes, backslashes before quotes.

    The rules are those of the C runtime: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
    """
    return subprocess.list2cmdline(list(arguments))


def batch_line(arguments: Iterable[str]) -> str:
    """Write a command for a batch file, where cmd reads the line before the program does.

    Cmd knows no backslash before a quote: what it would take for its own stands behind a caret, unless a plain pair of
    quotes protects it. A percent sign is doubled in any case.
    """
    words = []
    for argument in arguments:
        word = windows_line([argument])
        if _CMD_SPECIAL.search(argument) and ('"' in argument or not word.startswith('"')):
            word = _CMD_SPECIAL.sub(r"^\1", word)
        words.append(word.replace("%", "%%"))
    return " ".join(words)


def powershell_text(text: str) -> str:
    """Write a text in single quotes, where PowerShell expands nothing; those of print are quotes to it as well."""
    return "'" + "".join(each * 2 if each in _POWERSHELL_QUOTES else each for each in text) + "'"


def shell_line(arguments: Iterable[str]) -> str:
    """Write a command for a POSIX shell."""
    return shlex.join(arguments)


def unit_words(arguments: Iterable[str]) -> str:
    """Join the arguments of an `ExecStart=`: specifiers, variables, quotes and spaces mean themselves.

    https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines
    """
    return " ".join(_unit_word(argument) for argument in arguments)


def unit_path(path: str) -> str:
    """Write a path, or another single value, of a unit: specifiers mean themselves."""
    return path.replace("%", "%%")


def unit_list_entry(path: str) -> str:
    """Write a path of a list like `ReadWritePaths=`, which is split at spaces."""
    return _quoted(unit_path(path))


def unit_word_meant(word: str) -> str:
    """Read a word of a unit, as this module writes it."""
    if word.startswith('"'):
        word = re.sub(r"\\(.)", r"\1", word[1:-1])
    return word.replace("%%", "%").replace("$$", "$")


def _unit_word(argument: str) -> str:
    return _quoted(argument.replace("%", "%%").replace("$", "$$"))


def _quoted(text: str) -> str:
    if text and re.fullmatch(r"[^\s\"'\\;]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
