import json
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.rainbow.errors import ListMoved, UnexpectedAnswer
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.rainbow.users import Reading, read_user, text

ADA = json.loads("""
{"id":"5f00000000000000000000a1","loginEmail":"ada@acme.test","firstName":"Ada","lastName":"L","displayName":"Ada L",
 "emails":[{"email":"ada.l@corp.acme.test","type":"work"},{"email":"ada@home.test","type":"home"},
           {"email":"ada@club.test","type":"other"}],
 "authenticationExternalUid":"ada.l@corp.acme.test","userInfo1":null,"userInfo2":null,"roles":["user"],
 "companyId":"5f00000000000000000000c1","companyName":"Acme","jid_im":"1f2e@rainbow.test",
 "isActive":true,"isInitialized":true,"isTerminated":false,"guestMode":false,"timezone":"Europe/Paris","language":"fr"}
""")


def user(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": f"u{number}", "loginEmail": f"u{number}@acme.test"} | changes


def page(users: list[Any], total: Any, **changes: Any) -> dict[str, Any]:
    return {"data": users, "total": total} | changes


def go_on(reading: Reading, answers: Iterable[object]) -> None:
    for each in answers:
        reading.take(each)


def test_user_is_read_with_all_addresses() -> None:
    assert read_user(ADA) == RainbowUser(
        id="5f00000000000000000000a1",
        login_email="ada@acme.test",
        work_emails=("ada.l@corp.acme.test",),
        personal_emails=("ada@home.test",),
        other_emails=("ada@club.test",),
        external_uid="ada.l@corp.acme.test",
        language="fr",
        is_active=True,
    )


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"isActive": False}, False),
        ({"isTerminated": True}, False),
        ({"guestMode": True}, False),
        ({"isInitialized": False}, True),
        ({"isActive": None, "guestMode": None}, True),
    ],
)
def test_user_is_active_unless_rainbow_says_otherwise(changes: dict[str, Any], *, active: bool) -> None:
    read = read_user(user(1, **changes))
    assert read is not None
    assert read.is_active is active


@pytest.mark.parametrize(
    "value", [None, [], "x", {}, {"id": "a"}, {"id": 7, "loginEmail": "x"}, user(1, loginEmail=" ")]
)
def test_user_without_id_or_login_is_left_out(value: object) -> None:
    assert read_user(value) is None


@pytest.mark.parametrize("emails", [None, "x", [None, 7, {}], [{"type": "work"}, {"type": "work", "email": ""}]])
def test_odd_emails_are_no_emails(emails: object) -> None:
    assert read_user(user(1, emails=emails)) == RainbowUser(id="u1", login_email="u1@acme.test")


def test_text_that_is_no_utf_8_is_none() -> None:
    assert text("\ud800") is None
    assert text("é") == "é"


def test_each_page_begins_with_the_last_entry_of_the_one_before() -> None:
    reading = Reading(limit=2)
    first = reading.take(page([user(1), user(2)], 3, offset=0, limit=2))
    assert (reading.offset, reading.complete) == (1, False)
    last = reading.take(page([user(2), user(3)], 3, offset=1, limit=2))
    assert [each.id for each in first + last] == ["u1", "u2", "u3"]
    assert (reading.complete, reading.moved, reading.read) == (True, False, 3)


def test_empty_company_is_complete_at_once() -> None:
    reading = Reading(limit=100)
    assert reading.take(page([], 0)) == []
    assert (reading.complete, reading.moved) == (True, False)


@pytest.mark.parametrize("said", [{"limit": 2}, {}, {"limit": 100}])
def test_server_that_caps_the_size_of_a_page_is_followed_whether_it_says_so_or_not(said: dict[str, int]) -> None:
    reading = Reading(limit=100)
    reading.take(page([user(1), user(2)], 3, **said))
    assert reading.offset == 1
    reading.take(page([user(2), user(3)], 3, **said))
    assert (reading.complete, reading.moved) == (True, False)


def test_unreadable_entries_are_counted_and_take_their_place() -> None:
    reading = Reading(limit=3)
    assert [each.id for each in reading.take(page([user(1), {"id": 5}, {"id": 6}], 3))] == ["u1"]
    assert (reading.complete, reading.unreadable, reading.moved) == (True, 2, False)


@pytest.mark.parametrize(
    "second",
    [
        None,
        [],
        {},
        page([user(3)], None),
        page([user(3)], "3"),
        {"data": [user(3)], "total": True},
        page([user(3)], -1),
        {"total": 3},
        page({"u": user(3)}, 3),  # type: ignore[arg-type]  # what a server may send
        page([user(3)], 3, offset=0),
    ],
)
def test_what_is_no_page_is_refused(second: object) -> None:
    reading = Reading(limit=2)
    reading.take(page([user(1), user(2)], 3))
    with pytest.raises(UnexpectedAnswer):
        reading.take(second)


def test_a_list_that_comes_in_far_shorter_pages_than_asked_for_is_read_to_its_end() -> None:
    reading = Reading(limit=100)
    users = [user(number) for number in range(3000)]
    came = []
    while not reading.complete:
        came += reading.take(page(users[reading.offset : reading.offset + 3], 3000))
    assert [each.id for each in came] == [f"u{number}" for number in range(3000)]


@pytest.mark.parametrize("last", [[], [user(2)]])
def test_a_list_that_ends_before_all_have_come_is_asked_once_more_and_refused(last: list[Any]) -> None:
    reading = Reading(limit=2)
    reading.take(page([user(1), user(2)], 300))
    with pytest.raises(UnexpectedAnswer, match="300, and 2 came"):
        go_on(reading, repeat(page(last, 300), 60))


def test_whoever_went_while_the_last_page_was_asked_for_is_not_missed() -> None:
    """Counted just before, gone just after."""
    reading = Reading(limit=2)
    reading.take(page([user(1), user(2)], 3))
    reading.take(page([user(2)], 3))
    assert not reading.complete
    reading.take(page([user(2)], 2))
    assert (reading.complete, reading.moved) == (True, True)


def test_a_server_that_gives_the_first_page_for_every_other_is_refused() -> None:
    reading = Reading(limit=100)
    first = [user(number) for number in range(100)]
    with pytest.raises(UnexpectedAnswer, match="250, and 100 came"):
        go_on(reading, repeat(page(first, 250), 60))


def test_a_list_that_shrinks_for_ever_is_given_up() -> None:
    reading = Reading(limit=2)
    with pytest.raises(ListMoved):
        go_on(reading, (page([user(2 * number), user(2 * number + 1)], 100) for number in range(1000)))


def test_somebody_removed_from_an_earlier_page_makes_nobody_be_passed_over() -> None:
    """And the total is as before, since somebody else came at the end."""
    everybody = [user(number) for number in range(6)]
    reading = Reading(limit=3)
    came = reading.take(page(everybody[0:3], 6))
    everybody = [*everybody[1:], user(9)]
    while not reading.complete:
        came += reading.take(page(everybody[reading.offset : reading.offset + 3], 6))
    assert sorted(each.id for each in came) == ["u0", "u1", "u2", "u3", "u4", "u5", "u9"]
    assert reading.moved


MOVES = st.lists(st.tuples(st.sampled_from(["add", "remove", "rename"]), st.integers(0, 99), st.integers(0, 999)))


@given(st.sets(st.integers(0, 999), max_size=60), st.lists(MOVES, max_size=40), st.integers(2, 12))
def test_whoever_was_there_all_the_time_is_read_or_the_list_is_known_to_have_moved(
    start: set[int], moves: list[list[tuple[str, int, int]]], limit: int
) -> None:
    """Entries are sorted by login; before each page some come, go, or get another login.

    Only where somebody got another one may a neighbour be passed over: the list is then known to have moved.
    """
    logins = {f"u{number}": number for number in start}
    constant = set(logins)
    standing, renamed = True, False
    reading = Reading(limit=limit)
    came: set[str] = set()
    steps = iter(moves)
    while not reading.complete:
        for what, which, login in next(steps, []) if reading.total is not None else []:
            ids = sorted(logins)
            if what == "add":
                logins.setdefault(f"n{which}-{login}", login)
            elif ids and what == "remove":
                constant.discard(ids[which % len(ids)])
                del logins[ids[which % len(ids)]]
            elif ids:
                constant.discard(ids[which % len(ids)])
                logins[ids[which % len(ids)]] = login
                renamed = True
            standing = False
        ordered = sorted(logins, key=lambda each: (logins[each], each))
        shown = [{"id": each, "loginEmail": f"{each}@acme.test"} for each in ordered]
        try:
            came |= {each.id for each in reading.take(page(shown[reading.offset :][:limit], len(shown)))}
        except ListMoved:
            return
    assert constant <= came or (renamed and reading.moved)
    if standing:
        assert not reading.moved
        assert came == set(logins)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "total", "limit", "offset", "id", "loginEmail", "emails"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_comes_is_read_or_refused(answer: object) -> None:
    reading = Reading(limit=2)
    try:
        reading.take(answer)
    except UnexpectedAnswer:
        return
    assert reading.offset <= 2
