"""Each person's mailbox, or why there is none, is said in words that name who and what is meant."""

import pytest

from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind, Member, Roster, Try
from rainbow_exchange.diagnosis.mapping import mapping_of
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser

LOGIN, WORK, PERSONAL = IdentifierKind.LOGIN, IdentifierKind.WORK, IdentifierKind.PERSONAL
ADA = Mailbox(address="ada@acme.test")


def roster_of(*users: RainbowUser) -> Roster:
    roster = Roster()
    roster.replace(users)
    return roster


def person(name: str, *work: str, personal: tuple[str, ...] = ()) -> RainbowUser:
    return RainbowUser(id=name, login_email=f"{name}@acme.test", work_emails=work, personal_emails=personal)


def member(roster: Roster, name: str) -> Member:
    found = roster.get(name)
    assert found is not None
    return found


def said(roster: Roster, name: str) -> tuple[str, str, str]:
    mapping = mapping_of(member(roster, name), roster)
    return mapping.finding, mapping.says, mapping.problem


def failed(roster: Roster, name: str, reason: str, *tries: Try) -> None:
    member(roster, name).tries = list(tries)
    roster.release(member(roster, name), coverage=Coverage.FAILED, reason=reason)


def test_whoever_has_a_mailbox_has_it_by_its_address_or_by_an_alias() -> None:
    roster = roster_of(person("ada"), person("bob"))
    roster.claim(member(roster, "ada"), ADA, Identifier(LOGIN, " Ada@acme.test"))
    roster.claim(member(roster, "bob"), Mailbox(address="robert@acme.test"), Identifier(LOGIN, "bob@acme.test"))

    assert said(roster, "ada") == ("own-address", "", "")
    assert said(roster, "bob") == ("alias", "bob@acme.test is an alias of robert@acme.test.", "")


def test_the_alias_of_anothers_mailbox_names_both() -> None:
    roster = roster_of(person("ada"), person("bob"))
    roster.claim(member(roster, "ada"), ADA, Identifier(LOGIN, "ada@acme.test"))
    roster.claim(member(roster, "bob"), ADA, Identifier(LOGIN, "bob@acme.test"))

    assert said(roster, "bob") == (
        "alias-of-another",
        "bob@acme.test is an alias of ada@acme.test, the mailbox of ada@acme.test.",
        "mailbox-shared",
    )
    assert said(roster, "ada")[0] == "own-address"


def test_two_users_of_one_mailbox_name_each_other() -> None:
    roster = roster_of(person("bob", "b@acme.test"), person("eve", "e@acme.test"))
    for name in ("bob", "eve"):
        roster.claim(member(roster, name), Mailbox(address="info@acme.test"), Identifier(WORK, f"{name[0]}@acme.test"))

    assert said(roster, "bob") == (
        "two-users-one-mailbox",
        "b@acme.test leads to info@acme.test, as an address of eve@acme.test does, so it leads neither to a mailbox.",
        "mailbox-shared",
    )
    assert "an address of bob@acme.test does" in said(roster, "eve")[1]


def test_an_address_in_two_profiles_names_the_other() -> None:
    roster = roster_of(
        person("ada"), person("bob", "ada@acme.test"), person("eve", "x@acme.test"), person("fay", "x@acme.test")
    )
    for name in ("bob", "eve"):
        _, refused = roster.identifiers(member(roster, name))
        failed(roster, name, refused[0].code, *refused)

    assert said(roster, "bob")[1] == "ada@acme.test is an address of ada@acme.test as well, whose login it is."
    assert said(roster, "eve")[1].startswith("x@acme.test is an address of fay@acme.test as well, so it leads neither")
    assert {said(roster, name)[0] for name in ("bob", "eve")} == {"two-users-one-mailbox"}


@pytest.mark.parametrize(
    ("reason", "finding", "problem", "suggestion"),
    [
        ("no-mailbox", "no-mailbox", "mailbox-not-found", "Compare the user's login and work addresses"),
        ("no-address", "no-address", "user-without-address", "Give the user a work address"),
        ("ErrorAccessDenied", "no-right", "mailbox-denied", "Grant the service account ApplicationImpersonation"),
        ("ErrorImpersonateUserDenied", "no-right", "mailbox-impersonation-denied", "Give the account the role"),
        ("ErrorAccountDisabled", "out-of-use", "mailbox-disabled", "Enable the account"),
        ("ErrorMissingEmailAddress", "not-accepted", "mailbox-refused", "Has the service account a mailbox"),
    ],
)
def test_each_reason_has_its_finding_and_its_step(reason: str, finding: str, problem: str, suggestion: str) -> None:
    roster = roster_of(person("ada"))
    failed(roster, "ada", reason, Try(Identifier(LOGIN, "ada@acme.test"), reason))

    mapping = mapping_of(member(roster, "ada"), roster)

    assert (mapping.finding, mapping.problem) == (finding, problem)
    assert mapping.suggestion.startswith(suggestion)
    assert "Tried again" not in mapping.suggestion


def test_an_address_of_a_strange_domain_is_said_not_to_have_been_tried() -> None:
    roster = roster_of(person("ada", personal=("ada@home.test",)))
    failed(
        roster, "ada", "no-mailbox",
        Try(Identifier(PERSONAL, "ada@home.test"), "domain"),
        Try(Identifier(LOGIN, "ada@acme.test"), "ErrorNonExistentMailbox"),
    )  # fmt: skip

    finding, says, problem = said(roster, "ada")

    assert (finding, problem) == ("not-tried-domain", "mailbox-not-found")
    assert says.endswith("Not tried, since the domain is not one of the company's: ada@home.test.")


def test_nor_is_that_a_reason_to_say_that_there_is_no_address_at_all() -> None:
    roster = roster_of(person("ada", personal=("ada@home.test",)))
    failed(roster, "ada", "no-address", Try(Identifier(PERSONAL, "ada@home.test"), "domain"))

    assert said(roster, "ada") == (
        "not-tried-domain",
        (
            "The user has no address that a mailbox could have. Not tried, since the domain is not one of the"
            " company's: ada@home.test."
        ),
        "user-without-address",
    )


def test_what_is_not_settled_yet_is_pending_until_it_has_lasted() -> None:
    roster = roster_of(person("ada"))
    ada = member(roster, "ada")
    assert said(roster, "ada") == ("pending", "It was not tried yet.", "")

    ada.reason, ada.failures = "ErrorServerBusy", 1
    assert said(roster, "ada") == ("pending", "It did not work yet (ErrorServerBusy), and is tried again.", "")

    ada.failures = 3
    assert (said(roster, "ada")[0], said(roster, "ada")[2]) == ("postponed", "mailbox-postponed")
