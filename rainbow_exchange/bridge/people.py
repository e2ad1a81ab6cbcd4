"""What is wrong with whom: the problems that concern single users, from where the roster says they stand. Pure."""

from collections.abc import Collection, Mapping

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.bridge.claims import SHARED, TAKEN
from rainbow_exchange.bridge.member import Member
from rainbow_exchange.bridge.standings import CONTESTED, problem_of
from rainbow_exchange.bridge.troubles import TROUBLES, Trouble
from rainbow_exchange.network.shown import few
from rainbow_exchange.words import _, joined

#: how many people a problem names before it only counts them
NAMED = 5

_IN_WORDS = {
    "no-mailbox": _("no-mailbox"),
    "no-address": _("no-address"),
    "domain": _("domain"),
    "form": _("form"),
    TAKEN: _("taken"),
    SHARED: _("shared"),
}


def names(members: Collection[Member]) -> str:
    """Name some of them, each with the reason where the roster has one."""
    return few(members, NAMED, _name)


def name_of(member: Member) -> str:
    """Give what a person knows this user by."""
    return member.user.login_email or member.user.id


def in_words(code: str) -> str:
    """Give a code that is ours as it is read in each language; Exchange's own are the same everywhere."""
    return _IN_WORDS.get(code, code)


def why(member: Member) -> str:
    """Say why a member has no mailbox: the reason, and what was not even tried, with the reason for that."""
    reason = in_words(member.reason)
    if member.reason in CONTESTED:
        also = {attempt.identifier.value: None for attempt in member.tries if attempt.code in CONTESTED}
        return _("{reason}: {also}", reason=reason, also=", ".join(also)) if also else reason
    skipped = [
        _("{value} not tried: {code}", value=attempt.identifier.value, code=in_words(attempt.code))
        for attempt in member.tries
        if attempt.code in {"domain", "form"}
    ]
    if not skipped or member.reason not in {"no-mailbox", "no-address"}:
        return reason
    return joined("; ", (reason, *skipped))


def sharing(shared: Mapping[str, list[Member]]) -> Trouble | None:
    """Say which addresses several users have, so that questions for them cannot be answered."""
    if not shared:
        return None
    shown = few(list(shared.items()), NAMED, lambda each: f"{each[0]} ({', '.join(map(name_of, each[1]))})")
    return Trouble(
        "notice",
        _("The same address stands in the profiles of several users: {shown}.", shown=shown),
        "",
        _(
            "They lead none of them to a mailbox, and a question of Rainbow's for such an address is answered"
            " that there is nobody. Leave each with the one user whose address it is, in Rainbow's"
            " administration."
        ),
    )


def trouble_by(reason: str, who: str) -> Cause:
    """Give the problem of one user whose mailbox is refused with this code.

    Nothing is said of the next try: that is for whoever tries again by himself.
    """
    found = problem_of(reason)
    trouble = TROUBLES[found]
    return Cause(found, _(trouble.one, who=f"{who} ({reason})"), trouble.step)


def _name(member: Member) -> str:
    return _("{name} ({why})", name=name_of(member), why=why(member)) if member.reason else name_of(member)
