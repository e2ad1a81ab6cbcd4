"""Which level holds for whom, and what becomes of a subject."""

from datetime import UTC, datetime
from itertools import chain

import pytest

from rainbow_exchange.bridge.privacy import Privacy, PrivacyOfPeople, PrivacyRules, SubjectRule
from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind, Member, Roster
from rainbow_exchange.model import Appointment, Mailbox, Sensitivity, ShowAs
from rainbow_exchange.rainbow.types import RainbowUser

FULL, MASKED, BUSY = Privacy.FULL, Privacy.PRIVATE_MASKED, Privacy.BUSY_ONLY
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entry(subject: str | None = "Planning", sensitivity: Sensitivity = Sensitivity.NORMAL) -> Appointment:
    return Appointment(id="1", start=NOON, end=NOON, show_as=ShowAs.BUSY, subject=subject, sensitivity=sensitivity)


@pytest.mark.parametrize(
    ("exceptions", "primary", "others", "level", "pattern"),
    [
        ({}, "ada@acme.test", [], MASKED, None),
        ({"*@board.acme.test": BUSY}, "Ada@Board.acme.test", [], BUSY, "*@board.acme.test"),
        ({"*@board.acme.test": BUSY}, "ada@acme.test", [], MASKED, None),
        ({"*@board.acme.test": BUSY}, "ada@sub.board.acme.test", [], MASKED, None),
        ({"*@*.acme.test": BUSY}, "ada@sub.board.acme.test", [], BUSY, "*@*.acme.test"),
        ({"*@board.acme.test": BUSY}, "ada@acme.test", [" ADA@board.acme.test "], BUSY, "*@board.acme.test"),
        ({"press@acme.test": FULL}, "press@acme.test", [], FULL, "press@acme.test"),
        ({"press@acme.test": FULL}, "ada@acme.test", ["press@acme.test"], MASKED, None),
        ({"press@acme.test": FULL}, None, ["press@acme.test"], MASKED, None),
        ({"*@acme.test": FULL, "ada@acme.test": BUSY}, "ada@acme.test", [], BUSY, "ada@acme.test"),
        ({"ada@acme.test": BUSY, "*@acme.test": FULL}, "ada@acme.test", [], BUSY, "ada@acme.test"),
        ({"*@acme.test": FULL, "b@acme.test": MASKED}, "ada@acme.test", ["b@acme.test"], MASKED, "b@acme.test"),
        ({"[ab]?a@acme.test": BUSY}, "ada@acme.test", [], MASKED, None),
        ({"[ab]?a@acme.test": BUSY}, "[ab]?a@acme.test", [], BUSY, "[ab]?a@acme.test"),
    ],
)  # fmt: skip
def test_the_primary_address_decides_and_any_other_can_only_make_it_stricter(
    exceptions: dict[str, Privacy], primary: str | None, others: list[str], level: Privacy, pattern: str | None
) -> None:
    applied = PrivacyRules(MASKED, exceptions).of(primary, others)
    assert (applied.level, applied.pattern) == (level, pattern)


def test_a_long_pattern_does_not_take_long() -> None:
    rules = PrivacyRules(MASKED, {"*a" * 60 + "*b@acme.test": BUSY})
    assert rules.of("a" * 300 + "@acme.test").level is MASKED


@pytest.mark.parametrize("where", ["login_email", "external_uid", "work_emails", "personal_emails", "other_emails"])
def test_every_address_that_rainbow_has_of_somebody_counts(where: str) -> None:
    value = "Ada@Board.acme.test" if where in {"login_email", "external_uid"} else ("Ada@Board.acme.test",)
    user = RainbowUser(**{"id": "ada", "login_email": "ada@acme.test"} | {where: value})  # type: ignore[arg-type]  # by name
    member = Member(user, mailbox=Mailbox(address="ada@acme.test"))
    assert PrivacyRules(FULL, {"*@board.acme.test": BUSY}).of_member(member).level is BUSY


def test_whoever_is_known_by_a_principal_only_is_made_stricter_by_it_and_not_laxer() -> None:
    user = RainbowUser(id="ada", login_email="ada@acme.test")
    member = Member(user, mailbox=Mailbox(address="u17@corp.test", principal="U17@corp.test"))
    assert PrivacyRules(MASKED, {"*@corp.test": BUSY}).of_member(member).level is BUSY
    assert PrivacyRules(MASKED, {"*@corp.test": FULL}).of_member(member).level is MASKED


@pytest.mark.parametrize(
    ("level", "personal", "expected"),
    [
        (FULL, True, "as-written as-written as-written as-written"),
        (MASKED, True, "as-written masked masked masked"),
        (MASKED, False, "as-written as-written masked masked"),
        (BUSY, True, "hidden hidden hidden hidden"),
    ],
)
def test_what_becomes_of_a_subject(level: Privacy, personal: bool, expected: str) -> None:
    rules = PrivacyRules(level, mask_personal=personal)
    order = (Sensitivity.NORMAL, Sensitivity.PERSONAL, Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL)
    assert " ".join(rules.subject(entry(sensitivity=each), level) for each in order) == expected


def test_a_subject_that_nobody_has_told_us_or_that_is_empty() -> None:
    assert PrivacyRules().subject(entry(None), FULL) is SubjectRule.NOT_TOLD
    assert PrivacyRules().subject(entry(" "), FULL) is SubjectRule.UNTITLED
    assert PrivacyRules().subject(entry(None, Sensitivity.PRIVATE), MASKED) is SubjectRule.MASKED


def people(rules: PrivacyRules) -> tuple[PrivacyOfPeople, Roster]:
    roster = Roster()
    roster.replace(
        [RainbowUser(id="ada", login_email="ada@acme.test"), RainbowUser(id="bob", login_email="bob@acme.test")]
    )
    for name in ("ada", "bob"):
        member = roster.get(name)
        assert member is not None
        address = f"{name}@acme.test"
        roster.claim(member, Mailbox(address=address), Identifier(IdentifierKind.LOGIN, address))
    return PrivacyOfPeople(rules, roster), roster


def unmatched(privacy: PrivacyOfPeople, roster: Roster) -> list[str]:
    patterns = dict.fromkeys(privacy.rules.patterns)
    privacy.strike_matched(patterns, roster)
    return list(patterns)


def test_a_new_address_counts_at_once_and_is_noticed_once() -> None:
    privacy, roster = people(PrivacyRules(MASKED, {"*@board.acme.test": BUSY}))
    assert (privacy.at("ada@acme.test"), [*chain.from_iterable(privacy.changed())], unmatched(privacy, roster)) == (
        MASKED,
        [],
        ["*@board.acme.test"],
    )
    roster.take([RainbowUser(id="ada", login_email="ada@acme.test", other_emails=("ada@board.acme.test",))])
    assert (privacy.at("ada@acme.test"), [*chain.from_iterable(privacy.changed())]) == (BUSY, ["ada@acme.test"])
    assert unmatched(privacy, roster) == []
    assert [*chain.from_iterable(privacy.changed())] == []


def test_an_alias_that_exchange_tells_of_can_only_make_stricter() -> None:
    privacy, roster = people(PrivacyRules(MASKED, {"boss@x.test": BUSY, "press@x.test": FULL, "*@y.test": BUSY}))
    assert privacy.rules.stricter_addresses == ["boss@x.test"]
    assert (privacy.at("ada@acme.test"), privacy.at("bob@acme.test")) == (MASKED, MASKED)
    assert privacy.learn("Boss@x.test", "ada@acme.test")
    assert privacy.learn("press@x.test", "bob@acme.test")
    assert not privacy.learn("boss@x.test", "ada@acme.test")
    assert (privacy.at("ada@acme.test"), privacy.at("bob@acme.test")) == (BUSY, MASKED)
    assert [*chain.from_iterable(privacy.changed())] == ["ada@acme.test"]
    assert unmatched(privacy, roster) == ["*@y.test"]


def test_who_loses_a_mailbox_is_shown_no_more_while_a_question_is_under_way() -> None:
    privacy, roster = people(PrivacyRules(MASKED, {"*@board.acme.test": BUSY}))
    roster.take([RainbowUser(id="ada", login_email="ada@acme.test", other_emails=("ada@board.acme.test",))])
    ada = roster.find("ada@acme.test")
    assert ada is not None
    assert privacy.at("ada@acme.test") is BUSY
    roster.release(ada, coverage=Coverage.PENDING)
    assert privacy.at("ada@acme.test") is BUSY
    assert [*chain.from_iterable(privacy.changed())] == []
    assert privacy.at("ada@acme.test") is MASKED


def test_whose_mailbox_is_nobodys_is_judged_by_its_own_address() -> None:
    privacy, _ = people(PrivacyRules(MASKED, {"eve@acme.test": BUSY}))
    assert privacy.at("eve@acme.test") is BUSY
    assert privacy.at("zoe@acme.test") is MASKED


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (PrivacyRules(), False),
        (PrivacyRules(BUSY, {"press@acme.test": FULL}), True),
        (PrivacyRules(FULL, {"*@board.acme.test": BUSY}), True),
        (PrivacyRules(FULL, {"*@board.acme.test": MASKED}), False),
    ],
)
def test_it_is_known_whether_anybody_can_be_at_busy_only(rules: PrivacyRules, expected: bool) -> None:
    assert rules.busy_only is expected
