"""Which mailbox is whose, by which identifier, and why others were not tried."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.roster import Changes, Coverage, Identifier, IdentifierKind, Member, Roster, Try, addresses
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser

LOGIN, WORK = IdentifierKind.LOGIN, IdentifierKind.WORK
PERSONAL, EXTERNAL_UID = IdentifierKind.PERSONAL, IdentifierKind.EXTERNAL_UID
INFO = Mailbox(address="info@acme.test")


def person(
    name: str,
    login: str | None = None,
    *,
    work: tuple[str, ...] = (),
    personal: tuple[str, ...] = (),
    other: tuple[str, ...] = (),
    uid: str | None = None,
    language: str | None = None,
    active: bool = True,
) -> RainbowUser:
    return RainbowUser(
        id=name,
        login_email=login if login is not None else f"{name}@acme.test",
        work_emails=work,
        personal_emails=personal,
        other_emails=other,
        external_uid=uid,
        language=language,
        is_active=active,
    )


def roster_of(*users: RainbowUser, domains: tuple[str, ...] | None = None) -> Roster:
    roster = Roster(domains=domains)
    roster.replace(users)
    return roster


def member(roster: Roster, name: str) -> Member:
    found = roster.get(name)
    assert found is not None
    return found


def claimed(roster: Roster, name: str, kind: IdentifierKind, value: str, mailbox: Mailbox = INFO) -> Member | None:
    return roster.claim(member(roster, name), mailbox, Identifier(kind, value))


# --- identifiers


def test_four_identifiers_in_their_order() -> None:
    roster = roster_of(
        person(
            "ann", work=("a.b@acme.test", "ab@acme.test"), personal=("ann@acme.test.", "own@acme.test"), uid="ab@corp"
        )
    )
    wanted, refused = roster.identifiers(member(roster, "ann"))
    assert wanted == [
        Identifier(LOGIN, "ann@acme.test"),
        Identifier(WORK, "a.b@acme.test"),
        Identifier(WORK, "ab@acme.test"),
        Identifier(PERSONAL, "own@acme.test"),
        Identifier(EXTERNAL_UID, "ab@corp"),
    ]
    assert refused == [Try(Identifier(PERSONAL, "ann@acme.test."), "domain")]


def test_an_address_is_tried_once_however_often_and_however_written() -> None:
    roster = roster_of(person("ann", work=("Ann@ACME.test",), uid="ann@acme.test"))
    assert roster.identifiers(member(roster, "ann")) == ([Identifier(LOGIN, "ann@acme.test")], [])


def test_a_personal_address_outside_the_companys_domains_is_not_tried() -> None:
    roster = roster_of(person("ann", personal=("ann@home.test",)), person("bob", work=("bob@branch.test",)))
    wanted, refused = roster.identifiers(member(roster, "ann"))
    assert wanted == [Identifier(LOGIN, "ann@acme.test")]
    assert refused == [Try(Identifier(PERSONAL, "ann@home.test"), "domain")]


def test_domains_are_those_of_logins_and_work_addresses() -> None:
    roster = roster_of(person("ann", personal=("ann@branch.test",)), person("bob", work=("bob@Branch.test",)))
    assert roster.identifiers(member(roster, "ann"))[0][-1] == Identifier(PERSONAL, "ann@branch.test")


def test_configured_domains_stand_instead_of_learnt_ones() -> None:
    roster = roster_of(person("ann", personal=("a@acme.test", "a@Home.test")), domains=("HOME.test",))
    wanted, refused = roster.identifiers(member(roster, "ann"))
    assert wanted == [Identifier(LOGIN, "ann@acme.test"), Identifier(PERSONAL, "a@Home.test")]
    assert refused == [Try(Identifier(PERSONAL, "a@acme.test"), "domain")]


def test_what_is_no_address_is_not_tried_unless_it_is_an_external_uid() -> None:
    roster = roster_of(person("ann", login="ann", uid="12345"))
    assert roster.identifiers(member(roster, "ann")) == (
        [Identifier(EXTERNAL_UID, "12345")],
        [Try(Identifier(LOGIN, "ann"), "form")],
    )


def test_what_worked_before_is_tried_first_if_it_is_still_the_users() -> None:
    roster = roster_of(person("ann", work=("ab@acme.test",)))
    ann = member(roster, "ann")
    remembered = Identifier(WORK, "ab@acme.test")
    assert roster.identifiers(ann, first=remembered)[0] == [remembered, Identifier(LOGIN, "ann@acme.test")]
    stranger = Identifier(WORK, "other@acme.test")
    assert roster.identifiers(ann, first=stranger)[0] == [Identifier(LOGIN, "ann@acme.test"), remembered]


# --- listings


def test_a_listing_tells_who_came_and_who_went() -> None:
    roster = roster_of(person("ann"), person("bob"))
    changes = roster.replace([person("bob"), person("eve")])
    assert [each.user.id for each in changes.added] == ["eve"]
    assert [each.user.id for each in changes.removed] == ["ann"]
    assert changes.changed == ()
    assert [each.user.id for each in roster] == ["bob", "eve"]
    assert len(roster) == 2
    assert roster.get("ann") is None


def test_a_user_that_is_not_active_is_gone() -> None:
    roster = roster_of(person("ann"))
    assert [each.user.id for each in roster.replace([person("ann", active=False)]).removed] == ["ann"]


def test_whoever_goes_leaves_the_mailbox() -> None:
    roster = roster_of(person("ann"))
    claimed(roster, "ann", LOGIN, "ann@acme.test")
    assert roster.covered == 1
    roster.replace([person("bob")])
    assert roster.holder("info@acme.test") is None
    assert roster.covered == 0


def test_a_user_is_tried_anew_when_the_identifier_that_worked_is_gone() -> None:
    roster = roster_of(person("ann", work=("ab@acme.test",)))
    claimed(roster, "ann", WORK, "ab@acme.test")
    kept = roster.replace([person("ann", work=("ab@acme.test", "more@acme.test"), uid="u1", language="fr")])
    assert kept.changed == ()
    lost = roster.replace([person("ann", work=("more@acme.test",))])
    assert [each.user.id for each in lost.changed] == ["ann"]
    assert member(roster, "ann").user.work_emails == ("more@acme.test",)


def test_a_user_is_tried_anew_when_there_is_an_identifier_to_try_before_the_one_that_worked() -> None:
    roster = roster_of(person("ann", work=("ab@acme.test",)))
    claimed(roster, "ann", WORK, "ab@acme.test")
    changes = roster.replace([person("ann", login="new@acme.test", work=("ab@acme.test",))])
    assert [each.user.id for each in changes.changed] == ["ann"]


def test_an_address_that_becomes_the_login_counts_as_one_from_then_on() -> None:
    roster = roster_of(person("ann", work=("info@acme.test",)), person("bob", "alias@acme.test"))
    claimed(roster, "ann", WORK, "info@acme.test")
    assert roster.replace([person("ann", login="info@acme.test"), person("bob", "alias@acme.test")]).changed == ()
    assert member(roster, "ann").identifier == Identifier(LOGIN, "info@acme.test")
    claimed(roster, "bob", LOGIN, "alias@acme.test")
    assert member(roster, "bob").reason == "taken"
    assert roster.holder("info@acme.test") is member(roster, "ann")


def test_two_who_exchange_their_addresses_are_both_tried_anew() -> None:
    roster = roster_of(person("ann"), person("bob"))
    for name in ("ann", "bob"):
        claimed(roster, name, LOGIN, f"{name}@acme.test", Mailbox(address=f"{name}@acme.test"))
    changes = roster.replace([person("ann", login="bob@acme.test"), person("bob", login="ann@acme.test")])
    assert sorted(each.user.id for each in changes.changed) == ["ann", "bob"]


def test_a_user_without_mailbox_is_tried_anew_when_any_identifier_changes() -> None:
    roster = roster_of(person("ann"))
    assert roster.replace([person("ann", language="fr")]).changed == ()
    assert len(roster.replace([person("ann", work=("ab@acme.test",))]).changed) == 1


def test_a_user_can_come_outside_a_listing() -> None:
    roster = roster_of(person("ann", personal=("ann@new.test",)))
    bob, changes = roster.add(person("bob", login="bob@new.test"))
    assert [each.user.id for each in changes.added] == ["bob"]
    again, changes = roster.add(person("bob", login="bob@new.test"))
    assert (again is bob, changes) == (True, Changes((), (), ()))
    _, changes = roster.add(person("bob", login="robert@new.test"))
    assert [each.user.login_email for each in changes.changed] == ["robert@new.test"]
    assert roster.find("robert@new.test") is bob
    roster.add(person("bob", login="bob@new.test"))
    assert roster.find("bob@new.test") is bob
    assert roster.identifiers(member(roster, "ann"))[1] == []


# --- who is meant


def test_people_are_found_by_every_identifier_however_written() -> None:
    ann = person("ann", work=("ab@acme.test",), personal=("ann@home.test",), other=("Ann@club.test",), uid="AB@corp")
    assert addresses(ann) == {"ann@acme.test", "ab@acme.test", "ann@home.test", "ann@club.test", "ab@corp"}
    roster = roster_of(ann)
    for asked in ("Ann@acme.test", " ab@acme.test ", "ann@home.test", "ab@CORP", "ann@club.test"):
        found = roster.find(asked)
        assert found is not None
        assert found.user.id == "ann"
    assert roster.find("nobody@acme.test") is None


def test_a_login_goes_before_other_addresses() -> None:
    roster = roster_of(person("ann", work=("bob@acme.test",)), person("bob"))
    found = roster.find("bob@acme.test")
    assert found is not None
    assert found.user.id == "bob"


def test_an_address_of_no_kind_finds_its_user_and_no_mailbox() -> None:
    """Neither work nor home: a question may use it, but nobody gets a mailbox by it, or shuts another out."""
    roster = roster_of(
        person("ann", other=("club@acme.test", "bob.work@acme.test")), person("bob", work=("bob.work@acme.test",))
    )
    wanted, refused = roster.identifiers(member(roster, "ann"))
    assert ([each.value for each in wanted], refused) == (["ann@acme.test"], [])
    assert roster.find("club@acme.test") is member(roster, "ann")
    assert roster.find("bob.work@acme.test") is member(roster, "bob")


def test_an_address_that_two_have_means_whoever_holds_the_mailbox() -> None:
    roster = roster_of(person("ann", work=("info@acme.test",)), person("bob", work=("info@acme.test",)))
    assert roster.find("info@acme.test") is None
    claimed(roster, "ann", LOGIN, "ann@acme.test")
    assert roster.find("info@acme.test") is member(roster, "ann")


def test_old_addresses_are_no_longer_found() -> None:
    roster = roster_of(person("ann", work=("ab@acme.test",)))
    roster.replace([person("ann")])
    assert roster.find("ab@acme.test") is None


# --- claims


def test_a_mailbox_is_given() -> None:
    roster = roster_of(person("ann"))
    assert claimed(roster, "ann", LOGIN, "ann@acme.test") is None
    ann = member(roster, "ann")
    assert (ann.coverage, ann.mailbox, ann.identifier) == (Coverage.COVERED, INFO, Identifier(LOGIN, "ann@acme.test"))
    assert roster.holder("info@acme.test") is ann


def test_a_login_takes_a_mailbox_from_a_work_address() -> None:
    roster = roster_of(person("ann", work=("info@acme.test",)), person("bob", login="info@acme.test"))
    claimed(roster, "ann", WORK, "info@acme.test")
    assert claimed(roster, "bob", LOGIN, "info@acme.test") is member(roster, "ann")
    ann = member(roster, "ann")
    assert (ann.coverage, ann.reason, ann.mailbox) == (Coverage.FAILED, "taken", None)
    assert ann.tries == [Try(Identifier(WORK, "info@acme.test"), "taken")]
    assert roster.holder("info@acme.test") is member(roster, "bob")


def test_an_address_in_two_profiles_is_nobodys_and_shown() -> None:
    roster = roster_of(person("ann", work=("Info@acme.test",)), person("bob", personal=("info@acme.test",)))
    for name, value in (("ann", "Info@acme.test"), ("bob", "info@acme.test")):
        kind = WORK if name == "ann" else PERSONAL
        assert roster.identifiers(member(roster, name))[1] == [Try(Identifier(kind, value), "shared")]
    assert {address: [each.user.id for each in who] for address, who in roster.shared.items()} == {
        "info@acme.test": ["ann", "bob"]
    }
    roster.replace([person("bob", personal=("info@acme.test",))])
    assert roster.shared == {}
    assert roster.identifiers(member(roster, "bob"))[1] == []


def test_an_address_that_is_somebodys_login_is_that_ones_whoever_else_has_it() -> None:
    roster = roster_of(person("ann", work=("bob@acme.test",)), person("bob"))
    assert roster.identifiers(member(roster, "ann"))[1] == [Try(Identifier(WORK, "bob@acme.test"), "taken")]
    assert roster.identifiers(member(roster, "bob"))[1] == []
    assert roster.shared == {}


def test_a_private_address_elsewhere_shuts_nobody_out() -> None:
    roster = roster_of(
        person("ann", work=("ann@acme.test.",), uid="x@home.test"), person("bob", personal=("x@home.test",))
    )
    assert Identifier(EXTERNAL_UID, "x@home.test") in roster.identifiers(member(roster, "ann"))[0]


def test_whoever_holds_a_mailbox_by_an_address_that_another_gets_too_loses_it() -> None:
    roster = roster_of(person("ann", work=("info@acme.test",)))
    claimed(roster, "ann", WORK, "info@acme.test")
    changes = roster.replace([person(name, work=("info@acme.test",)) for name in ("ann", "bob")])
    assert [each.user.id for each in changes.changed] == ["ann"]
    assert [each.user.id for each in changes.added] == ["bob"]


def test_whoever_was_refused_is_freed_when_the_other_gives_the_address_up() -> None:
    both = [person(name, work=("info@acme.test",)) for name in ("ann", "bob")]
    roster = roster_of(*both)
    for name in ("ann", "bob"):
        member(roster, name).tries = roster.identifiers(member(roster, name))[1]
    assert roster.replace([both[0], person("bob", work=("info@acme.test",), language="fr")]).freed == ()
    changes = roster.replace([both[0], person("bob", work=("bob.b@acme.test",))])
    assert [each.user.id for each in changes.freed] == ["ann"]


def test_two_work_addresses_leave_the_mailbox_to_nobody() -> None:
    roster = roster_of(*(person(name, work=("info@acme.test",)) for name in ("ann", "bob", "eve")))
    claimed(roster, "ann", WORK, "info@acme.test")
    assert claimed(roster, "bob", WORK, "info@acme.test") is member(roster, "ann")
    assert claimed(roster, "eve", WORK, "info@acme.test") is None
    for name in ("ann", "bob", "eve"):
        assert (member(roster, name).coverage, member(roster, name).reason) == (Coverage.FAILED, "shared")
    assert roster.contested(member(roster, "eve"), INFO, Identifier(WORK, "info@acme.test"))
    assert not roster.contested(member(roster, "eve"), INFO, Identifier(LOGIN, "info@acme.test"))
    assert roster.holder("info@acme.test") is None


def test_who_was_refused_has_another_chance_when_the_other_has_gone() -> None:
    roster = roster_of(*(person(name, work=("info@acme.test",)) for name in ("ann", "bob")))
    claimed(roster, "ann", WORK, "info@acme.test")
    claimed(roster, "bob", WORK, "info@acme.test")
    roster.replace([person("bob", work=("info@acme.test",))])
    claimed(roster, "bob", WORK, "info@acme.test")
    assert roster.holder("info@acme.test") is member(roster, "bob")


kinds = st.sampled_from([(WORK, "x@acme.test"), (LOGIN, "alias@acme.test"), (PERSONAL, "p@acme.test")])


@given(st.lists(kinds, min_size=2, max_size=4), st.booleans())
def test_one_mailbox_has_the_same_holder_whatever_the_order_of_claims(
    ways: list[tuple[IdentifierKind, str]],
    own: bool,
) -> None:
    """The login that is the very address wins, then the only login, then the only claim at all, else nobody."""
    claims = [(f"u{n}", kind, value) for n, (kind, value) in enumerate(ways)]
    if own:
        claims.append(("owner", LOGIN, "Info@acme.test"))
    logins = [name for name, kind, _ in claims if kind is LOGIN]
    expected = "owner" if own else logins[0] if len(logins) == 1 else None
    for order in permutations(claims):
        roster = roster_of(*(person(name) for name, _, _ in claims))
        for name, kind, value in order:
            claimed(roster, name, kind, value)
        holder = roster.holder("info@acme.test")
        assert (holder.user.id if holder else None) == expected
        covered = [each.user.id for each in roster if each.coverage is Coverage.COVERED]
        assert covered == ([expected] if expected else [])
        assert all(each.reason in {"taken", "shared"} for each in roster if each.user.id != expected)


def test_a_claim_repeated_changes_nothing() -> None:
    roster = roster_of(person("ann"))
    claimed(roster, "ann", LOGIN, "ann@acme.test")
    assert claimed(roster, "ann", WORK, "info@acme.test") is None
    assert member(roster, "ann").identifier == Identifier(WORK, "info@acme.test")
    assert roster.covered == 1


def test_a_mailbox_taken_away_is_free() -> None:
    roster = roster_of(person("ann"), person("bob"))
    claimed(roster, "ann", WORK, "info@acme.test")
    roster.release(member(roster, "ann"), coverage=Coverage.FAILED, reason="ErrorAccessDenied")
    assert member(roster, "ann").reason == "ErrorAccessDenied"
    claimed(roster, "bob", WORK, "info@acme.test")
    assert member(roster, "bob").coverage is Coverage.COVERED


def test_the_language_is_that_of_most_users() -> None:
    assert roster_of(person("ann")).language() is None
    tags = (("a", "en"), ("b", "fr"), ("c", "fr"), ("d", None))
    assert roster_of(*(person(name, language=tag) for name, tag in tags)).language() == "fr"
