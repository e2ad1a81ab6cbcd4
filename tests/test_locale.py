"""The catalogues hold all that the page says, whole, and nothing else."""

import re
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[1]
FRENCH = ROOT / "rainbow_exchange" / "locale" / "fr" / "LC_MESSAGES" / "rainbow-exchange.po"
UPDATE = "`make words`, then write what is missing there"
_OF_TEMPLATES = re.compile(r"%\((\w+)\)s")


@cache
def french() -> Catalog:
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr")


def messages() -> Iterator[tuple[str | tuple[str, ...], Message]]:
    for message in french():
        if message.id:
            yield (message.id if isinstance(message.id, str) else tuple(message.id)), message


@cache
def said() -> frozenset[str | tuple[str, ...]]:
    """Gather what Python and the templates say, as `make words` does."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    methods = [(each["pattern"], each["method"]) for each in mappings]
    options = {
        each["pattern"]: {name: value for name, value in each.items() if name not in {"pattern", "method"}}
        for each in mappings
    }
    found = extract_from_dir(str(ROOT), methods, options, {**DEFAULT_KEYWORDS, "unfilled": None})
    return frozenset(message if isinstance(message, str) else tuple(message) for _, _, message, _, _ in found)


def test_french_has_all_that_is_said_and_nothing_else() -> None:
    has = {key for key, _ in messages()}
    # one sentence that a template counts by and another says alone are one message
    alone = {key for key in said() if isinstance(key, str) and any(key == other[0] for other in has if other != key)}
    assert said() - has - alone == frozenset(), UPDATE
    assert has - said() == frozenset(), UPDATE


def test_each_message_has_its_french() -> None:
    lacking = [key for key, message in messages() if not all(_forms(message)) or message.fuzzy]
    assert lacking == [], UPDATE


def test_each_message_has_the_same_places_for_values_in_french() -> None:
    wrong = [
        key
        for key, message in messages()
        for english, form in zip(_english(message), _forms(message), strict=True)
        if _places(english) != _places(form)
    ]
    assert wrong == []


def test_a_clause_begins_and_ends_with_a_space_where_the_english_one_does() -> None:
    wrong = [
        key
        for key, message in messages()
        for english, form in zip(_english(message), _forms(message), strict=True)
        if (english[0] == " ", english[-1] == " ") != (form[0] == " ", form[-1] == " ")
    ]
    assert wrong == []


def test_a_french_mark_stands_apart_and_is_not_left_alone_at_the_beginning_of_a_line() -> None:
    wrong = [key for key, message in messages() for form in _forms(message) if re.search(r" [;:?!»]|« ", form)]
    assert wrong == []


def test_french_has_one_apostrophe() -> None:
    assert [
        key for key, message in messages() for form in _forms(message) if "\N{RIGHT SINGLE QUOTATION MARK}" in form
    ] == []


def test_french_says_of_one_person_what_it_says_of_many() -> None:
    plural = re.compile(r"\{(covered|coming)\} (personnes|autres)")
    assert [key for key, message in messages() for form in _forms(message) if plural.search(form)] == []


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def _english(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def _places(text: str) -> set[str]:
    """Name what is filled in: by `words`, or in a template."""
    if "%(" in text:
        return set(_OF_TEMPLATES.findall(text))
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:  # braces of its own, in what has no values
        return set()
