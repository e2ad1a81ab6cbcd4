"""Checks the syntax of PowerShell that is printed or shipped, by a grammar of it: there is no PowerShell here.

What only PowerShell 7 knows is a fault, too: servers have Windows PowerShell 5.1. The grammar is stricter than
PowerShell: words of a list stand in quotes, `param (…)` is followed by a new line, as are the cases of a `switch`.
"""

from collections.abc import Iterator

import tree_sitter
import tree_sitter_powershell

_LANGUAGE = tree_sitter.Language(tree_sitter_powershell.language())
#: operators that the grammar knows and Windows PowerShell does not
_TOO_NEW = {"&&", "||"}


def faults(script: str) -> list[str]:
    """Give each line of a script that is no PowerShell, as `line 3: text`; [] where all are."""
    lines = script.splitlines()
    rows = {
        node.start_point.row for node in _nodes(script) if node.is_error or node.is_missing or node.type in _TOO_NEW
    }
    return [f"line {row + 1}: {lines[row] if row < len(lines) else ''}" for row in sorted(rows)]


def commands(script: str) -> list[str]:
    """Give the names of the commands that a script calls, in the order in which they stand there."""
    return [node.text.decode() for node in _nodes(script) if node.type == "command_name" and node.text is not None]


def _nodes(script: str) -> Iterator[tree_sitter.Node]:
    ahead = [tree_sitter.Parser(_LANGUAGE).parse(script.encode()).root_node]
    while ahead:
        node = ahead.pop()
        yield node
        ahead.extend(reversed(node.children))
