"""However people come, go and exchange addresses: a mailbox is the right user's, or nobody's and for a reason."""

from collections import deque
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_exchange.bridge.roster import Coverage, Identifier, IdentifierKind, Member, Roster
from rainbow_exchange.model import Mailbox
from rainbow_exchange.rainbow.types import RainbowUser

#: what Exchange knows: four mailboxes, two of them by an alias as well
MAILBOXES = {f"{name}@acme.test": f"{name}@acme.test" for name in "abcd"}
MAILBOXES |= {"alias-a@acme.test": "a@acme.test", "alias-b@acme.test": "b@acme.test"}
ADDRESSES = [*sorted(MAILBOXES), "nowhere@acme.test"]

people = st.fixed_dictionaries(
    {
        "work_emails": st.lists(st.sampled_from(ADDRESSES), max_size=2).map(tuple),
        "personal_emails": st.lists(st.sampled_from(ADDRESSES), max_size=1).map(tuple),
        "external_uid": st.none() | st.sampled_from(ADDRESSES),
        "is_active": st.sampled_from([True, True, True, False]),
    }
)
#: by user id; logins are given out so that no two users have the same
companies = st.tuples(
    st.dictionaries(st.sampled_from(["u1", "u2", "u3", "u4", "u5"]), people),
    st.permutations([*ADDRESSES, "x@acme.test"]),
)


def users_of(company: tuple[dict[str, dict[str, object]], list[str]]) -> list[RainbowUser]:
    profiles, logins = company
    return [
        RainbowUser(id=user_id, login_email=login, **profile)  # type: ignore[arg-type]  # of mixed values
        for (user_id, profile), login in zip(sorted(profiles.items()), logins, strict=False)
    ]


class Company:
    """A roster, and whoever is to be tried: what enrolment does, without Exchange."""

    def __init__(self, seed: int) -> None:
        self.roster = Roster()
        self.random = Random(seed)
        self.wanted: deque[Member] = deque()

    def came(self, page: list[RainbowUser]) -> None:
        """Take a page of a list of which more is to come: by their logins, unless somebody is asked for."""
        changes = self.roster.take(user for user in page if user.is_active)
        for member in changes.changed:
            self.roster.release(member, coverage=Coverage.PENDING)
        for member in (*changes.added, *changes.changed, *changes.freed):
            if self.random.random() < 0.3:
                self.enrol(member)
            elif MAILBOXES.get(login := member.user.login_email) and member.coverage is not Coverage.COVERED:
                identifier = Identifier(IdentifierKind.LOGIN, login)
                if loser := self.roster.claim(member, Mailbox(address=MAILBOXES[login]), identifier):
                    self.wanted.append(loser)

    def listed(self, users: list[RainbowUser]) -> None:
        """Take a whole list, and try whoever has to be tried, those who had to wait for it as well."""
        waited = [member for member in self.roster if member.coverage is not Coverage.COVERED]
        changes = self.roster.replace(users)
        for member in changes.changed:
            self.roster.release(member, coverage=Coverage.PENDING)
        wanted = [*changes.added, *changes.changed, *changes.freed, *waited]
        self.random.shuffle(wanted)
        self.wanted.extend(wanted)
        for _ in range(1000):
            if not self.wanted:
                return
            self.enrol(self.wanted.popleft())
        raise AssertionError("it never comes to rest")

    def enrol(self, member: Member) -> None:
        if self.roster.get(member.user.id) is not member or member.coverage is Coverage.COVERED:
            return
        wanted, member.tries = self.roster.identifiers(member)
        for identifier in wanted:
            address = MAILBOXES.get(identifier.value)
            if address is None:
                continue
            loser = self.roster.claim(member, Mailbox(address=address), identifier)
            if loser is not None:
                self.wanted.append(loser)
            if self.roster.holder(address) is member:
                break
        else:
            reason = next((each.code for each in member.tries if each.code in {"taken", "shared"}), "no-mailbox")
            self.roster.release(member, coverage=Coverage.FAILED, reason=reason)
        self.wanted.extend(self.roster.freed())


def strength(identifier: Identifier, address: str) -> int:
    if identifier.kind is not IdentifierKind.LOGIN:
        return 0
    return 2 if identifier.value == address else 1


def ways(roster: Roster, member: Member) -> dict[str, int]:
    """Tell which mailboxes a user may claim, and how strongly at best."""
    found: dict[str, int] = {}
    for identifier in roster.identifiers(member)[0]:
        if address := MAILBOXES.get(identifier.value):
            found[address] = max(found.get(address, 0), strength(identifier, address))
    return found


@given(st.lists(companies, min_size=1, max_size=5), st.integers(0, 99))
@settings(max_examples=150)
def test_every_mailbox_is_the_right_users_or_nobodys_for_a_reason(
    history: list[tuple[dict[str, dict[str, object]], list[str]]], seed: int
) -> None:
    company = Company(seed)
    for state in history:
        company.listed(users_of(state))
    assert_right(company.roster, users_of(history[-1]))


@given(st.lists(companies, min_size=1, max_size=3), companies, st.integers(0, 99))
@settings(max_examples=150)
def test_whoever_is_taken_while_the_list_is_still_coming_has_no_other_mailbox_in_the_end(
    pages: list[tuple[dict[str, dict[str, object]], list[str]]],
    state: tuple[dict[str, dict[str, object]], list[str]],
    seed: int,
) -> None:
    """The list may break off, and be another when it comes whole."""
    company = Company(seed)
    for page in pages:
        company.came(users_of(page))
    company.listed(users_of(state))
    assert_right(company.roster, users_of(state))


def assert_right(roster: Roster, users: list[RainbowUser]) -> None:
    assert {member.user.id for member in roster} == {user.id for user in users if user.is_active}
    may = {member.user.id: ways(roster, member) for member in roster}
    for member in roster:
        if member.coverage is Coverage.COVERED:
            assert member.mailbox is not None
            assert member.identifier is not None
            assert roster.holder(member.mailbox.address) is member
            assert roster.refusal(member, member.identifier) == ""
            assert MAILBOXES[member.identifier.value] == member.mailbox.address
            continue
        assert member.mailbox is None
        for address, how in may[member.user.id].items():
            rivals = [other for other in roster if other is not member and may[other.user.id].get(address, -1) >= how]
            assert rivals, f"{member.user.id} could have {address}"
    held = [member.mailbox.address for member in roster if member.mailbox]
    assert len(held) == len(set(held)) == roster.covered
    for address in set(MAILBOXES.values()):
        if holder := roster.holder(address):
            claims = {user_id: found[address] for user_id, found in may.items() if address in found}
            mine = claims[holder.user.id]
            stronger = [
                each
                for each in roster
                if each.coverage is not Coverage.COVERED and claims.get(each.user.id, -1) >= mine
            ]
            assert not stronger, f"{address} is another's"
