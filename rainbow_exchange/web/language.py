"""In which language the local page speaks: the reader's browser says it, unless the reader has chosen.

English is the language of the code; the others are catalogues of gettext (`locale/<name>/LC_MESSAGES`).
"""

import gettext as gettext_module
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.messages.pofile import read_po

from rainbow_exchange.words import translated

ENGLISH, FRENCH = "en", "fr"
LANGUAGES = (ENGLISH, FRENCH)
_MOST_WISHES = 20
_WEIGHT = re.compile(r"q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language: its sentences, and how it writes dates and numbers."""

    name: str
    locale: Locale
    _sentences: dict[str, tuple[str, ...]] = field(repr=False)
    _plural: str = field(default="n != 1", repr=False)

    def gettext(self, sentence: str) -> str:
        """Give a sentence in this language; one that it lacks stays English."""
        return self._sentences.get(sentence, (sentence,))[0]

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Give the one of two sentences that goes with a number."""
        found = self._sentences.get(one)
        if found is None:
            return one if number == 1 else many
        return found[min(gettext_module.c2py(self._plural)(number), len(found) - 1)]

    def said(self, text: object) -> str:
        """Give what the product says."""
        return translated(text, self.gettext)


@cache
def language(name: str) -> Language:
    """Read a language; takes a while the first time."""
    if name not in LANGUAGES:
        raise ValueError(f"no language {name}")
    if name == ENGLISH:
        return Language(name, Locale("en", "GB"), {})
    path = files("rainbow_exchange").joinpath("locale", name, "LC_MESSAGES", "rainbow-exchange.po")
    with path.open("rb") as stream:
        catalogue = read_po(stream, locale=name)
    sentences: dict[str, tuple[str, ...]] = {}
    for message in catalogue:
        if not message.id or not message.string or message.fuzzy:
            continue
        one = message.id if isinstance(message.id, str) else message.id[0]
        given = (message.string,) if isinstance(message.string, str) else tuple(message.string)
        if all(given):
            sentences[one] = given
    return Language(name, Locale(name), sentences, catalogue.plural_expr)


def chosen(choice: str, accepted: str) -> str:
    """Give the name of the language for somebody: `choice` of theirs, else what `Accept-Language` wishes for most."""
    if choice in LANGUAGES:
        return choice
    wishes: list[tuple[float, int, str]] = []
    for place, wish in enumerate(accepted.split(",")[:_MOST_WISHES]):
        tag, _, weight = wish.partition(";")
        name = tag.strip().lower().partition("-")[0]
        if (name in LANGUAGES or name == "*") and (wish_for := _weight(weight)):
            wishes.append((-wish_for, place, ENGLISH if name == "*" else name))
    return min(wishes, default=(0.0, 0, ENGLISH))[2]


def _weight(text: str) -> float:
    """Read how much a language is wished for (RFC 9110 section 12.4.2): 0 is not at all, as is what is no weight."""
    found = _WEIGHT.fullmatch(text.strip().lower())
    if not text.strip():
        return 1.0
    return float(found[1]) if found else 0.0
