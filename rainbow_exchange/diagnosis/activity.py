"""What happens to people and to both sides, as it happens: lines to read, by person and by kind. Pure.

It looks at what the history was told last, which costs the bridge nothing; no subject and no text is in it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rainbow_exchange.bridge.history import What
from rainbow_exchange.bridge.member import Member
from rainbow_exchange.bridge.recent import Happening, Recent
from rainbow_exchange.diagnosis.happened import is_bad, said
from rainbow_exchange.words import Said, _

#: what one may look at alone, and what it is called
KINDS: Mapping[str, tuple[Said, tuple[What, ...]]] = {
    "changes": (_("Changes"), (What.CHANGE,)),
    "readings": (_("Readings"), (What.READ,)),
    "told": (_("Rainbow told"), (What.TOLD,)),
    "questions": (_("Rainbow's questions"), (What.EVENTS, What.AUTO_REPLY)),
    "absences": (_("Out of office"), (What.ABSENCE,)),
    "mailboxes": (_("Mailboxes"), (What.MAILBOX,)),
    "connections": (_("Connections"), (What.PROCESS, What.EXCHANGE, What.RAINBOW)),
}
_KIND_OF = {what: kind for kind, (_name, whats) in KINDS.items() for what in whats}
#: of what is looked for
LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that happened. `who` is the login, "" where it concerns everybody; `person` is Rainbow's id."""

    number: int
    at: datetime
    who: str
    person: str
    kind: str
    text: Said
    bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Lines, the oldest first; `left_out` before them were too many, and `number` is what to go on after."""

    lines: list[Line]
    left_out: int
    number: int


def look(
    recent: Recent,
    member: Callable[[str], Member | None],
    *,
    after: int = 0,
    who: str = "",
    kind: str = "",
    most: int,
) -> Seen:
    """Give the last `most` lines after a number: of a kind, and of those whose login or address has `who` in it.

    `member` gives who has an id. A kind that there is none of is every kind.
    """
    wanted = who.strip().casefold()[:LONGEST]
    kinds = KINDS[kind][1] if kind in KINDS else None
    found = [each for each in recent.after(after, kinds) if not wanted or wanted in _names(each, member)]
    kept = found[-most:]
    # of those that are kept no more, nobody knows whom they concerned
    new = len(found) if wanted or kinds else recent.number - after
    return Seen(lines=[_line(each) for each in kept], left_out=new - len(kept), number=recent.number)


def _line(happening: Happening) -> Line:
    what = What(happening.kind)
    return Line(
        number=happening.number,
        at=datetime.fromtimestamp(happening.at / 1000, UTC),
        who=happening.login or happening.person,
        person=happening.person,
        kind=_KIND_OF[what],
        text=said(what, happening.detail, happening.seconds),
        bad=is_bad(happening.detail),
    )


def _names(happening: Happening, member: Callable[[str], Member | None]) -> str:
    """Give all that somebody may be looked for by, folded."""
    return "\n".join((happening.login, happening.person, *_addresses(member(happening.person)))).casefold()


def _addresses(member: Member | None) -> Iterable[str]:
    if member is None:
        return ()
    return (*member.user.work_emails, *([member.mailbox.address] if member.mailbox else []))
