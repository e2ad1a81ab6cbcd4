import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.rainbow.errors import ListMoved, UnexpectedAnswer
from rainbow_exchange.rainbow.types import RainbowUser
from rainbow_exchange.rainbow.users import Listing, read_user, text

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
    [({}, True), ({"isActive": False}, False), ({"isTerminated": True}, False), ({"isActive": None}, True)],
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


def test_pages_that_add_up_are_read_to_their_end() -> None:
    listing = Listing(limit=2)
    first = listing.take(page([user(1), user(2)], 3, offset=0, limit=2))
    assert not listing.complete
    last = listing.take(page([user(3)], 3, offset=2, limit=2))
    assert [each.id for each in first + last] == ["u1", "u2", "u3"]
    assert listing.complete


def test_empty_company_is_complete_at_once() -> None:
    listing = Listing(limit=100)
    assert listing.take(page([], 0)) == []
    assert listing.complete


def test_server_that_caps_the_size_of_a_page_is_followed() -> None:
    listing = Listing(limit=100)
    listing.take(page([user(1), user(2)], 3, limit=2))
    listing.take(page([user(3)], 3, limit=2))
    assert listing.complete


def test_unreadable_entries_are_counted_and_take_their_place() -> None:
    listing = Listing(limit=2)
    assert [each.id for each in listing.take(page([user(1), {"id": 5}], 2))] == ["u1"]
    assert (listing.complete, listing.unreadable) == (True, 1)


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
        page([], 3),
        page([user(3), user(4)], 3),
        page([user(3)], 3, offset=0),
        page([user(3)], 1),
    ],
)
def test_page_that_does_not_add_up_is_refused(second: object) -> None:
    listing = Listing(limit=2)
    listing.take(page([user(1), user(2)], 3))
    with pytest.raises(UnexpectedAnswer):
        listing.take(second)


@pytest.mark.parametrize("second", [page([user(1)], 3), page([user(3), user(4)], 4)])
def test_list_that_changed_while_it_was_read_is_to_be_read_again(second: object) -> None:
    listing = Listing(limit=2)
    listing.take(page([user(1), user(2)], 3))
    with pytest.raises(ListMoved):
        listing.take(second)


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
    listing = Listing(limit=2)
    try:
        listing.take(answer)
    except UnexpectedAnswer:
        return
    assert listing.offset <= 2
