"""Each reader gets the own language: words, numbers, dates."""

from datetime import UTC, datetime

import pytest

from rainbow_exchange.web import render
from rainbow_exchange.web.language import chosen, language
from rainbow_exchange.words import Said, _, joined


@pytest.mark.parametrize(
    ("choice", "accepted", "name"),
    [
        ("", "fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("", "FR", "fr"),
        ("", "de-DE,de;q=0.9,fr;q=0.4,en;q=0.3", "fr"),
        ("", "en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("", "fr;q=0.2,en;q=0.7", "en"),
        ("", "en, fr", "en"),
        ("", "fr, en", "fr"),
        ("", "de", "en"),
        ("", "", "en"),
        ("", "*", "en"),
        ("", "fr;q=0", "en"),
        ("", "fr;q=0.0, *;q=0.1", "en"),
        ("", "fr;q=nan,en;q=0.1", "en"),
        ("", "fr;q=7,en;q=0.1", "en"),
        ("", "français", "en"),
        ("", "fr" + ",x" * 10_000, "fr"),
        ("", "x," * 10_000 + "fr", "en"),
        ("en", "fr", "en"),
        ("fr", "en", "fr"),
        ("de", "fr", "fr"),
    ],
)
def test_the_choice_counts_before_what_the_browser_wishes_for_most(choice: str, accepted: str, name: str) -> None:
    assert chosen(choice, accepted) == name


def test_no_other_language_is_read() -> None:
    with pytest.raises(ValueError, match="no language"):
        language("../../etc")


def test_a_sentence_is_said_in_french_with_what_is_said_within() -> None:
    french = language("fr")
    stated = _("{side} is {state}.", side="Exchange", state=_("connected"))

    assert french.said(stated) == "Exchange\u00a0: connecté."
    assert french.said("Exchange is what it is.") == "Exchange is what it is."
    assert language("en").said(stated) == "Exchange is connected."
    assert french.gettext("never said by anybody") == "never said by anybody"


@pytest.mark.parametrize(("number", "said"), [(0, "0 personne"), (1, "1 personne"), (2, "2 personnes")])
def test_french_counts_as_the_french_do(number: int, said: str) -> None:
    form = language("fr").ngettext("%(number)s person", "%(number)s people", number)
    assert form % {"number": number} == said


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("en", "1,234.5|3 hours|0.25 s|25 ms|2.5 ms|0 s|25 December 2025"),
        ("fr", "1\u202f234,5|3\u00a0heures|0,25 s|25 ms|2,5 ms|0 s|25 décembre 2025"),
    ],
)
def test_numbers_spans_and_dates_are_written_as_in_the_language(name: str, written: str) -> None:
    seconds = "|".join(f"{{{{ {each}|seconds }}}}" for each in (0.25, 0.025, 0.0025, 0.0))
    template = f"{{{{ 1234.5|number }}}}|{{{{ 10800|duration }}}}|{seconds}|{{{{ at|day|striptags }}}}"
    at = datetime(2025, 12, 25, 12, tzinfo=UTC)
    assert render.environment(name).from_string(template).render(at=at) == written


def test_marks_between_texts_stand_apart_in_french() -> None:
    texts = joined("; ", (_("{file}: {why}", file="a.log", why=_("not known")), "b"))

    assert language("fr").said(texts) == "a.log\u00a0: inconnu\u00a0; b"
    assert language("en").said(texts) == "a.log: not known; b"


def test_what_is_said_is_escaped_in_each_language() -> None:
    said = Said("{side} is {state}.", {"side": "<script>", "state": "&"})
    made = render.environment("fr").from_string("{{ said|said }}").render(said=said)
    assert made == "&lt;script&gt;\u00a0: &amp;."
