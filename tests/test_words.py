"""What is said in English can be said in another language."""

import copy
import json
import pickle
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass

from rainbow_exchange.words import Said, _, clause, joined, parts, sentences, translated

FRENCH = {
    "The name {name} is not known.": "Le nom {name} est inconnu.",
    "{first} Then {second}": "{first} Puis {second}",
    "wait": "attendez",
}


def french(template: str) -> str:
    return FRENCH.get(template, template)


def test_it_is_its_english_text() -> None:
    said = _("The name {name} is not known.", name="mail.acme.test")
    assert said == "The name mail.acme.test is not known."
    assert json.dumps([said]) == '["The name mail.acme.test is not known."]'
    assert f"{said}" == "The name mail.acme.test is not known."


def test_a_translation_keeps_the_values() -> None:
    said = _("The name {name} is not known.", name="mail{x}.acme.test")
    assert translated(said, french) == "Le nom mail{x}.acme.test est inconnu."


def test_what_is_said_within_is_translated_too() -> None:
    said = _("{first} Then {second}", first=_("The name {name} is not known.", name="a"), second=_("wait"))
    assert said == "The name a is not known. Then wait"
    assert translated(said, french) == "Le nom a est inconnu. Puis attendez"


def test_braces_without_values_stay() -> None:
    assert _("write {name}") == "write {name}"
    assert translated(_("write {name}"), french) == "write {name}"


def test_another_text_stays_as_it_is() -> None:
    assert translated("wait", french) == "wait"
    assert translated(3, french) == "3"


@dataclass(frozen=True)
class Holder:
    text: str


def test_copies_can_be_translated() -> None:
    said = _("The name {name} is not known.", name="a")
    for copied in (copy.copy(said), copy.deepcopy(said), asdict(Holder(said))["text"]):
        assert isinstance(copied, Said)
        assert translated(copied, french) == "Le nom a est inconnu."


def test_sentences_put_together_are_translated_one_by_one_and_can_be_taken_apart() -> None:
    again = _("It is tried again.")
    said = sentences(_("Nothing answers at {host}.", host="mail.acme.test"), "", sentences(again, "As it stands."))

    assert said == "Nothing answers at mail.acme.test. It is tried again. As it stands."
    assert parts(said) == ["Nothing answers at mail.acme.test.", "It is tried again.", "As it stands."]
    french = {"Nothing answers at {host}.": "Rien ne répond à {host}.", "It is tried again.": "Nouvel essai."}
    assert translated(said, lambda text: french.get(text, text)) == (
        "Rien ne répond à mail.acme.test. Nouvel essai. As it stands."
    )


def test_texts_with_other_marks_between_them_are_one_part() -> None:
    said = joined("; ", ("{one}", _("two")))

    assert said == "{one}; two"
    assert parts(said) == [said]
    assert translated(said, lambda text: {"two": "deux", "; ": "\u00a0; "}[text]) == "{one}\u00a0; deux"


def test_a_clause_has_no_full_stop_in_either_language() -> None:
    inner = _("The name is not known.")
    said = _("No token: {detail}.", detail=clause(inner))

    assert said == "No token: The name is not known."
    assert translated(said, lambda text: text.replace("known.", "connu.")) == "No token: The name is not connu."
    assert clause("As it stands.") == "As it stands"


def test_an_error_still_says_what_it_was_made_with() -> None:
    error = ValueError(_("{host} is closed", host="mail.acme.test"))
    said = _("It does not work: {error}.", error=error)

    assert said == "It does not work: mail.acme.test is closed."
    assert said.values == {"error": "mail.acme.test is closed"}
    assert translated(said, lambda text: text.replace("is closed", "est fermé")) == (
        "It does not work: mail.acme.test est fermé."
    )


def test_it_can_be_kept_and_sent() -> None:
    said = _("{number} users", number=3)

    again = pickle.loads(pickle.dumps(said))  # noqa: S301  (our own)
    assert type(again) is Said
    assert (again, again.template, again.values) == ("3 users", "{number} users", {"number": 3})
    assert json.dumps({"text": said}) == '{"text": "3 users"}'
    with closing(sqlite3.connect(":memory:")) as database:
        assert database.execute("SELECT ?", (said,)).fetchone() == ("3 users",)
