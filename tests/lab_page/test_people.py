"""Who is who on both sides."""

from rainbow_exchange.lab_page.people import Person, joined, searched

ADA = {"id": "5f01", "loginEmail": "a.l.1@acme.test", "displayName": "Ada 🚲 Lovelace", "emails": []}
ALAN = {"id": "5f02", "loginEmail": "alan@login.test", "emails": [{"email": "Alan@acme.test", "type": "work"}]}
BOXES = [
    {"address": "ada@acme.test", "display_name": "Ada", "aliases": ["A.L.1@acme.test"], "upn": ""},
    {"address": "alan@acme.test", "display_name": "Alan", "aliases": [], "upn": ""},
    {"address": "room@acme.test", "display_name": "Room", "aliases": [], "upn": ""},
]


def test_a_mailbox_is_found_by_any_address_in_any_case() -> None:
    ada, alan, room = joined([ADA, ALAN], BOXES)
    assert (ada.mailbox, ada.user_id, ada.key) == ("ada@acme.test", "5f01", "5f01")
    assert (alan.mailbox, alan.name) == ("alan@acme.test", "alan@login.test")
    assert (room.name, room.user_id, room.mailbox) == ("Room", "", "room@acme.test")
    assert len(room.key) == 24


def test_a_mailbox_belongs_to_one() -> None:
    first, second = joined([ALAN, ALAN | {"id": "5f03"}], BOXES[1:2])
    assert (first.mailbox, second.mailbox) == ("alan@acme.test", "")


def test_whoever_has_no_name_is_called_by_an_address() -> None:
    nameless = [ALAN | {"displayName": "  "}], [BOXES[0] | {"display_name": " "}]
    assert [person.name for person in joined(*nameless)] == ["alan@login.test", "ada@acme.test"]


def test_an_avatar_has_letters() -> None:
    names = {"Ada 🚲 Lovelace": "AL", "Marie-Ève Le Gall": "MG", "Plato": "P", "🚲": "?", "": "?"}
    made = {name: Person(name=name, user_id="1", login="", mailbox="").initials for name in names}
    assert made == names


def test_each_word_of_a_search_stands_somewhere() -> None:
    people = joined([ADA, ALAN], BOXES)
    assert [each.user_id for each in searched(people, "LOVE ada")] == ["5f01"]
    assert [each.user_id for each in searched(people, "acme")] == ["5f01", "5f02", ""]
    assert searched(people, "ada alan") == []
