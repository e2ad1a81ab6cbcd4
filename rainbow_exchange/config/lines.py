"""At which line of a settings file a setting stands. Pure; TOML's parser does not tell."""

import re

_HEADER = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_NAME = re.compile(r"""\s*["']?([\w-]+)["']?(?:\s*\.\s*["']?([\w-]+)["']?)?\s*=""")


def line_of(text: str, key: str) -> int | None:
    """Give the line, from 1, of the setting with this dotted key; None where no line, or more than one, looks so."""
    group, found = "", []
    wanted_group, _, wanted = key.partition(".")
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            group = header[1]
            if group == key:  # a table in place of a value
                found.append(number)
        elif name := _NAME.match(line):
            named = (name[1], name[2]) if not group else (group, name[1])
            if named == (wanted_group, wanted):
                found.append(number)
    return found[0] if len(found) == 1 else None
