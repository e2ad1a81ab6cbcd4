"""Sentences for people: English in the code, and still a template with its values for a translation. Pure.

A `Said` is its English text to everybody who takes a text: logs, JSON, a terminal. The local page alone asks for the
template, and finds another language's in a catalogue of gettext.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Self


class Said(str):
    """A text in English that knows how it was made."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, values: dict[str, Any]) -> Self:
        """Make the text of `template`, as `str.format` does."""
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template = template
        made.values = values
        return made

    def __str__(self) -> str:
        """Stay what it is: `str(error)` is still Said."""
        return self

    def __getnewargs__(self) -> tuple[str, dict[str, Any]]:  # type: ignore[override]  # of str's, which has one
        """Have copies made of the same."""
        return self.template, self.values

    def __copy__(self) -> Self:
        """Nothing in it changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Nothing in it changes."""
        return self


#: what values stay as they are; of anything else it is what it says
_KEPT = (str, int, float, date)
#: a template that holds more than places for values
_WORD = re.compile(r"(?<![{\w])[^\W\d_]")


def _(template: str, /, **values: Any) -> Said:
    """Say something: a whole sentence, or a clause of one, with `{name}` for each value. A value may be Said, too."""
    for name, value in values.items():
        if value.__class__ is not str and not isinstance(value, _KEPT):
            values[name] = str(value)  # not what it refers to: an error has a traceback, with all its frames
    return Said(template, values)


class _Clause(Said):
    """A sentence without its full stop."""

    __slots__ = ()

    def __new__(cls, template: str, values: dict[str, Any]) -> Self:
        made = str.__new__(cls, (template.format(**values) if values else template).rstrip("."))
        made.template = template
        made.values = values
        return made


def clause(text: str) -> str:
    """Give a sentence as a clause of another one: without its full stop."""
    return _Clause(text.template, text.values) if isinstance(text, Said) else text.rstrip(".")


def unfilled(template: str) -> str:
    """Mark a template for the catalogues that is filled in later, by `_`."""
    return template


#: between texts that are put together
_MARKS = (unfilled(": "), unfilled("; "))


def joined(separator: str, texts: Iterable[str]) -> Said:
    """Put texts together, each of which may be Said; those that are empty are left out."""
    given = [each for each in texts if each]
    marks = separator.replace("{", "{{").replace("}", "}}").join(f"{{t{place}}}" for place in range(len(given)))
    return Said(marks, {f"t{place}": each for place, each in enumerate(given)})


def sentences(*texts: str) -> Said:
    """Put sentences together; those that are themselves made so stay apart for whoever looks through them."""
    return joined(" ", (part for text in texts for part in parts(text)))


def parts(text: str) -> list[str]:
    """Give what `sentences` has put together, else the text by itself."""
    if isinstance(text, Said) and set(text.template) <= set("{t} 0123456789"):
        return list(text.values.values())
    return [text]


def translated(text: object, gettext: Callable[[str], str]) -> str:
    """Give a text in the language of `gettext`; what is no Said stays as it is."""
    if not isinstance(text, Said):
        return str(text)
    template = _template(text.template, gettext)
    if text.values:
        template = template.format(**{name: _value(value, gettext) for name, value in text.values.items()})
    return template.rstrip(".") if isinstance(text, _Clause) else template


def _template(template: str, gettext: Callable[[str], str]) -> str:
    """Give a template in the language of `gettext`; one without words by its marks, which some languages set apart."""
    if _WORD.search(template):
        return gettext(template)
    for mark in _MARKS:
        if mark in template:
            template = template.replace(mark, gettext(mark))
    return template


def _value(value: Any, gettext: Callable[[str], str]) -> Any:
    return translated(value, gettext) if isinstance(value, Said) else value
