"""What is wrong with whom: each kind of trouble by the roster's own words."""

import pytest

from rainbow_exchange.bridge import people
from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind, Member, Try
from rainbow_exchange.bridge.standings import Standings
from rainbow_exchange.bridge.troubles import TROUBLES
from rainbow_exchange.rainbow.types import RainbowUser


def member(name: str, coverage: Coverage, reason: str = "", failures: int = 0) -> Member:
    user = RainbowUser(id=name, login_email=f"{name}@acme.test", is_active=True)
    return Member(user, coverage=coverage, reason=reason, failures=failures)


def noted(*members: Member) -> Standings:
    standings = Standings()
    for each in members:
        standings.note(each)
    return standings


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("no-address", "user-without-address"),
        ("no-mailbox", "mailbox-not-found"),
        ("taken", "mailbox-shared"),
        ("shared", "mailbox-shared"),
        ("ErrorAccessDenied", "mailbox-denied"),
        ("ErrorNonExistentMailbox", "mailbox-not-found"),
        ("ErrorImpersonateUserDenied", "mailbox-impersonation-denied"),
        ("ErrorImpersonationDenied", "mailbox-impersonation-denied"),
        ("ErrorImpersonationFailed", "mailbox-impersonation-denied"),
    ],
)
def test_whoever_failed_has_the_problem_of_the_reason(reason: str, problem: str) -> None:
    one = member("ann", Coverage.FAILED, reason)
    assert noted(one, member("bob", Coverage.COVERED)).troubled == {problem: {"ann": one}}
    assert problem in TROUBLES


def test_what_may_pass_is_no_problem_until_the_third_time() -> None:
    twice = member("ann", Coverage.PENDING, "ErrorServerBusy", 2)
    thrice = member("bob", Coverage.PENDING, "ErrorServerBusy", 3)
    assert noted(twice, thrice).troubled == {"mailbox-postponed": {"bob": thrice}}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([], None),
        ([member("ann", Coverage.PENDING, "ErrorX", 3)], "ErrorX"),
        ([member("ann", Coverage.PENDING, "ErrorX", 3), member("bob", Coverage.FAILED, "no-mailbox")], "ErrorX"),
        ([member("ann", Coverage.PENDING, "ErrorX", 3), member("bob", Coverage.COVERED)], None),
        ([member("ann", Coverage.PENDING, "ErrorX", 3), member("bob", Coverage.PENDING, "ErrorX", 2)], None),
        ([member("ann", Coverage.PENDING, "ErrorX", 3), member("bob", Coverage.PENDING, "ErrorY", 3)], None),
        ([member("ann", Coverage.FAILED, "no-address")], None),
    ],
)
def test_exchange_refuses_everybody_only_with_one_code_for_all(members: list[Member], code: str | None) -> None:
    assert noted(*members).refused_to_all(len(members)) == code


def test_five_are_named_and_the_rest_counted() -> None:
    many = [member(f"p{number}", Coverage.FAILED, "ErrorAccessDenied") for number in range(7)]
    text = people.names(many)
    assert text.startswith("p0@acme.test (ErrorAccessDenied), p1@acme.test")
    assert text.endswith("p4@acme.test (ErrorAccessDenied) and 2 more")


def test_a_shared_address_is_named() -> None:
    one = member("ann", Coverage.FAILED, "shared")
    one.tries = [
        Try(Identifier(IdentifierKind.LOGIN, "ann@acme.test"), "ErrorNonExistentMailbox"),
        Try(Identifier(IdentifierKind.WORK, "info@acme.test"), "shared"),
    ]
    assert people.names([one]) == "ann@acme.test (shared: info@acme.test)"


def test_addresses_of_several_users_are_named_with_them() -> None:
    assert people.sharing({}) is None
    both = [member(name, Coverage.COVERED) for name in ("ann", "bob")]
    trouble = people.sharing({f"{number}@acme.test": both for number in range(6)})
    assert trouble is not None
    assert trouble.severity == "notice"
    assert trouble.text.startswith(
        "The same address stands in the profiles of several users: 0@acme.test (ann@acme.test,"
    )
    assert trouble.text.endswith("4@acme.test (ann@acme.test, bob@acme.test) and 1 more.")
