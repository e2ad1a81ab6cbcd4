"""The French pages say what the English ones say: the same parts, commands, examples, pictures, pages and labels.

Whoever changes one of a pair changes the other.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pages import DOCS, NAMES, PAGES, blocks, prose, read
from tests.test_locale import messages

#: page in French → page in English
TWINS = {
    "fr/depannage.md": "how-to/troubleshooting.md",
    "fr/premiere-entreprise.md": "tutorial/first-company.md",
    "fr/tutoriel.md": "tutorial/lab.md",
}
#: what no button and no column of our pages is called: Outlook's words, the commands' and Rainbow's, our headings
OTHERS = {
    "fr/depannage.md": {
        "ApplicationImpersonation": "ApplicationImpersonation",
        "Busy": "Occupé",
        "Do:": "À faire\N{NO-BREAK SPACE}:",
        "Exchange Calendar Synchronization": "Exchange Calendar Synchronization",
        "Free": "Disponible",
        "Now": "Now",
    },
    "fr/premiere-entreprise.md": {},
    "fr/tutoriel.md": {"Exchange": "Exchange", "Rainbow": "Rainbow"},
}
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_EMPHASIS = re.compile(r"\*{1,2}([^*\n]+)\*{1,2}")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")
_TYPED = re.compile(r"`([^`\n]+)`")


def parts(page: Path) -> list[tuple[str, str, list[str]]]:
    """Give each part of a page: how deep its heading is, its text, and its code blocks."""
    text, code = _BLOCK.sub("\0", read(page)), iter(_BLOCK.findall(read(page)))
    found = re.findall(r"^(#+) .*\n((?:(?!#+ ).*\n?)*)", text, flags=re.MULTILINE)
    return [(depth, below, [next(code) for _ in range(below.count("\0"))]) for depth, below in found]


def both(french: str, of: Callable[[str], object]) -> list[list[tuple[str, object]]]:
    """Give of the French and of the English page each heading's depth, and something of the text below it."""
    return [[(depth, of(text)) for depth, text, _ in parts(DOCS / name)] for name in (french, TWINS[french])]


def target(page: Path, link: str) -> str:
    """Give what a link leads to: the English page, with the anchor where that page is not in French, too."""
    path, _, anchor = link.partition("#")
    there = (page.parent / path).resolve().relative_to(DOCS).as_posix() if path else page.relative_to(DOCS).as_posix()
    english = TWINS.get(there, there)
    return english if english in TWINS.values() else f"{english}#{anchor}"


def french_of() -> dict[str, str]:
    """Give the catalogue: English, singular or plural → French."""
    made: dict[str, str] = {}
    for key, message in messages():
        english = (key,) if isinstance(key, str) else key
        french = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        made.update(zip(english, french, strict=True))
    return made


def test_each_french_page_has_its_english_one() -> None:
    french = {name.removeprefix("docs/") for name in NAMES if name.startswith("docs/fr/")}
    assert french - {"fr/index.md"} == set(TWINS)
    assert set(_LINK.findall(read(DOCS / "fr" / "index.md"))) >= {name.removeprefix("fr/") for name in TWINS}


@pytest.mark.parametrize("french", TWINS)
def test_a_french_page_has_the_parts_of_the_english_one_with_the_same_examples(french: str) -> None:
    ours, theirs = ([(depth, code) for depth, _, code in parts(DOCS / name)] for name in (french, TWINS[french]))
    assert ours == theirs
    assert sum(len(code) for _, code in ours) == len(blocks(DOCS / french)) > 0


@pytest.mark.parametrize("french", TWINS)
def test_a_french_page_names_the_commands_settings_and_pictures_of_the_english_one(french: str) -> None:
    ours, theirs = both(french, lambda text: (set(_TYPED.findall(text)), _PICTURE.findall(text)))
    assert ours == theirs


@pytest.mark.parametrize("french", TWINS)
def test_a_french_page_leads_where_the_english_one_does(french: str) -> None:
    ours, theirs = (
        [{target(DOCS / name, link) for link in _LINK.findall(text)} for _, text, _ in parts(DOCS / name)]
        for name in (french, TWINS[french])
    )
    assert ours == theirs


@pytest.mark.parametrize("french", TWINS)
def test_labels_are_those_of_the_page_in_french(french: str) -> None:
    said, others = french_of(), OTHERS[french]
    labels = [label.rstrip(".") for label in _EMPHASIS.findall(prose(DOCS / TWINS[french]))]
    assert [label.rstrip(".") for label in _EMPHASIS.findall(prose(DOCS / french))] == [
        others.get(label) or said[label] for label in labels
    ]
    assert set(others) <= set(labels)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("docs/fr/")])
def test_no_line_breaks_before_a_sign_that_french_sets_apart(name: str) -> None:
    text = re.sub(r"`[^`\n]+`|\]\([^)]*\)", "", prose(PAGES[NAMES.index(name)]))
    assert re.findall(r".{0,20}(?: [:;!?»]|« |\w[;!?»]|«\w)(?!--)", text) == []
