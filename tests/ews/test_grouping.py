from dataclasses import dataclass

import pytest

from rainbow_exchange.ews.grouping import Affinity, place_for, server_name
from rainbow_exchange.model import Mailbox


@dataclass
class Place:
    room: int
    key: str = ""


def test_affinity_headers_name_the_anchor_and_replay_the_cookies() -> None:
    affinity = Affinity("anchor@acme.test")
    assert affinity.headers() == {"X-AnchorMailbox": "anchor@acme.test", "X-PreferServerAffinity": "true"}
    affinity.learn(("X-BackEndOverrideCookie=mail01~1942062522; path=/; HttpOnly", "lb = a ; Path=/"))
    assert affinity.headers()["Cookie"] == "X-BackEndOverrideCookie=mail01~1942062522; lb=a"


def test_a_cookie_is_replaced_and_removed_as_the_server_says() -> None:
    affinity = Affinity("a@acme.test")
    affinity.learn(("one=1", "two=2", "three=3"))
    affinity.learn(("one=9", "two=gone; Max-Age=0", "three="))
    assert affinity.cookies == {"one": "9"}


@pytest.mark.parametrize(
    ("headers", "front_end", "back_end"),
    [
        ({"X-FEServer": "EXCH01", "X-BEServer": "EXCH02"}, "exch01", "exch02"),
        ({"X-FEServer": "EXCH01", "X-CalculatedBETarget": "exch02.corp.test", "X-BEServer": "EXCH02"},
         "exch01", "exch02.corp.test"),
        ({}, "", "mail01"),
        ({"X-FEServer": "<b>", "X-BEServer": "x" * 256}, "", "mail01"),
    ],
)  # fmt: skip
def test_the_servers_of_an_answer_are_those_it_names_else_that_of_the_cookie(
    headers: dict[str, str], front_end: str, back_end: str
) -> None:
    affinity = Affinity("a@acme.test")
    affinity.learn(("X-BackEndOverrideCookie=mail01~1942062522",))
    affinity.answered(headers.get)
    assert (affinity.front_end, affinity.back_end) == (front_end, back_end)


@pytest.mark.parametrize("header", ["", "=value", "no pair", "na me=x", "a=b c", "a=x\r\nEvil: y", "a=" + "x" * 5000])
def test_what_is_no_cookie_is_not_replayed(header: str) -> None:
    affinity = Affinity("a@acme.test")
    affinity.learn((header,))
    assert affinity.cookies == {}


def test_a_jar_is_bounded() -> None:
    affinity = Affinity("a@acme.test")
    affinity.learn(f"c{number}=x" for number in range(100))
    affinity.learn(("c3=y",))
    assert len(affinity.cookies) == 20
    assert affinity.cookies["c3"] == "y"


def test_newcomers_gather_in_one_group_while_it_has_room() -> None:
    gathering, emptier = Place(5), Place(150)
    assert place_for("", [gathering, emptier], gathering) is gathering


def test_then_the_emptiest_group_with_room_takes_them() -> None:
    full, small, big = Place(0), Place(150), Place(20)
    assert place_for("", [full, big, small], full) is small
    assert place_for("", [full], full) is None
    assert place_for("", [], None) is None


def test_mailboxes_of_another_key_do_not_share() -> None:
    paris, lyon = Place(100, "paris"), Place(10, "lyon")
    assert place_for("lyon", [paris, lyon], paris) is lyon
    assert place_for("nice", [paris, lyon], lyon) is None


@pytest.mark.parametrize(
    ("subscription_id", "expected"),
    [
        ("DwBtYWlsMS5hY21lLnRlc3QAAAAA", "mail1.acme.test"),  # 15, 0, then the name, then what follows
        ("sub-1", None),
        ("AAAA", None),
        ("/wBtYWls", None),
        ("", None),
        ("AwAgISI=", None),
    ],
)
def test_the_server_is_read_from_ids_that_name_one(subscription_id: str, expected: str | None) -> None:
    assert server_name(subscription_id) == expected


def test_a_mailbox_known_only_by_its_principal_is_named_in_no_header() -> None:
    by_address = Affinity.to(Mailbox(address="a@acme.test"), {"c": "1"})
    by_principal = Affinity.to(Mailbox(address="u17@corp.test", principal="U17@corp.test"), {"c": "1"})
    assert by_address.headers() == {
        "X-AnchorMailbox": "a@acme.test",
        "X-PreferServerAffinity": "true",
        "Cookie": "c=1",
    }
    assert by_principal.headers() == {"X-PreferServerAffinity": "true", "Cookie": "c=1"}
