"""The whole chain for one person, from the Rainbow user to what Rainbow was answered: what each part knows now.

Nothing is asked of Exchange or Rainbow for it, nothing is changed, and no subject and no text is in it. Which link of
the chain is broken first, `verdict` says. The form: `docs/reference/commands.md`, section "explain".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rainbow_exchange.bridge.current import current
from rainbow_exchange.bridge.member import folded, identifiers_of
from rainbow_exchange.bridge.people import in_words, name_of, why
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.privacy import Applied
from rainbow_exchange.bridge.roster import Coverage, Member
from rainbow_exchange.bridge.standings import trouble_of
from rainbow_exchange.bridge.told import PATIENCE, Told
from rainbow_exchange.bridge.troubles import TROUBLES
from rainbow_exchange.diagnosis import instants, verdict
from rainbow_exchange.diagnosis.next_things import next_things
from rainbow_exchange.ews.endings import word
from rainbow_exchange.json_text import iso
from rainbow_exchange.rainbow.link import RainbowLink
from rainbow_exchange.words import _, sentences

SCHEMA_VERSION = 1

_NOBODY = _("No user of the company has this address in Rainbow.")
_SEVERAL = _("Several users have this address, and none as login.")
#: what is shown of an agenda: what a question without dates is answered
_BEFORE, _AHEAD = timedelta(hours=1), timedelta(hours=24)
_MAILBOX = {Coverage.COVERED: "found", Coverage.FAILED: "none", Coverage.PENDING: "not known yet"}
_WORKED = _("leads to the mailbox")
_NOT_NEEDED = _("not tried: another one worked")
_NOT_YET = _("not tried yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands around the bridge: the link, and each side's state and reason as status has them."""

    link: RainbowLink
    exchange: Mapping[str, str]
    rainbow: Mapping[str, str]


def not_ready(address: str, reason: str) -> dict[str, Any]:
    """Return what there is to say while there is no bridge between Exchange and Rainbow."""
    return {
        "schema_version": SCHEMA_VERSION,
        "address": address,
        "user": None,
        "state": "not-ready",
        "verdict": verdict.broken(
            "bridge", _("Rainbow is told nothing of anybody: {reason}", reason=reason), verdict.SEE_STATUS
        ),
    }


def explain(address: str, pipeline: Pipeline, around: Around) -> dict[str, Any]:
    """Return the chain of whoever has this address."""
    parts = pipeline.parts
    member = parts.roster.named(address)
    if member is None:
        return unknown(address, pipeline, around)
    known = {"schema_version": SCHEMA_VERSION, "address": address, "at": iso(parts.now())}
    applied = parts.answers.view.privacy.rules.of_member(member)
    user = {"name": name_of(member), "id": member.user.id}
    shown: dict[str, Any] = known | {"user": user, "state": "explained"} | _chain(member, pipeline, around)
    shown["now"] = _now(shown["agenda"], shown["absence"], iso(parts.now()))
    shown["privacy"] = {"level": applied.level.value, "rule": _rule(applied)}
    shown["next"] = next_things(member, pipeline)
    return shown | {"verdict": verdict.of(shown, TROUBLES.get(trouble_of(member)))}


def unknown(address: str, pipeline: Pipeline, around: Around) -> dict[str, Any]:
    """Return what there is to say of an address that leads to nobody, or to several."""
    known = {"schema_version": SCHEMA_VERSION, "address": address, "at": iso(pipeline.parts.now())}
    return known | {"user": None, "state": "unknown", "verdict": _nobody(address, pipeline, around)}


def _nobody(address: str, pipeline: Pipeline, around: Around) -> dict[str, Any]:
    listing = pipeline.membership.listing
    if having := pipeline.parts.roster.having(address):
        names = ", ".join(sorted(map(name_of, having)))
        return verdict.broken(
            "user",
            sentences(
                _SEVERAL,
                _("They are {names}. A question of Rainbow's for it is answered that there is nobody.", names=names),
            ),
            _("Name the login of the one who is meant; leave the address with one user in Rainbow's administration."),
        )
    if not listing.listed:
        reason = around.rainbow["reason"] or _("they are being listed for the first time.")
        return verdict.broken(
            "user", _("The users of the company are not known yet: {reason}", reason=reason), verdict.SEE_STATUS
        )
    return verdict.broken(
        "user",
        _NOBODY,
        _(
            "Compare it with the user's login and addresses in Rainbow's administration. Somebody new is"
            " known from the next listing on, or from Rainbow's first question."
        ),
    )


def _chain(member: Member, pipeline: Pipeline, around: Around) -> dict[str, Any]:
    address = member.mailbox.address if member.mailbox else ""
    return {
        "identifiers": list(_identifiers(member)),
        "mailbox": _mailbox(member, pipeline),
        "exchange": {"state": around.exchange["state"], "reason": around.exchange["reason"]},
        "read": _read(address, pipeline),
        "stream": _stream(address, pipeline),
        "agenda": _agenda(address, pipeline),
        "absence": _absence(address, pipeline),
        "rainbow": {"state": around.rainbow["state"], "reason": around.rainbow["reason"], "link": around.link.kind},
        "told": _told(member, pipeline),
    }


def _identifiers(member: Member) -> Iterator[dict[str, str]]:
    answers = {folded(each.identifier.value): in_words(each.code) for each in member.tries}
    worked = folded(member.identifier.value) if member.identifier else None
    seen: set[str] = set()
    for identifier in identifiers_of(member.user):
        value = folded(identifier.value)
        if value in seen:
            continue
        seen.add(value)
        answer = _WORKED if value == worked else answers.get(value, _NOT_YET if worked is None else _NOT_NEEDED)
        yield {"kind": identifier.kind.value, "value": identifier.value, "answer": answer}


def _mailbox(member: Member, pipeline: Pipeline) -> dict[str, Any]:
    outage = pipeline.membership.enrolment.outage
    pending = member.coverage is Coverage.PENDING
    reason = why(member) or (word(outage) if outage and pending else "")
    return {
        "state": _MAILBOX[member.coverage],
        "address": member.mailbox.address if member.mailbox else None,
        "principal": member.mailbox.principal if member.mailbox else None,
        "reason": reason,
    }


def _read(address: str, pipeline: Pipeline) -> dict[str, Any] | None:
    reader = pipeline.parts.reader
    entry = reader.entry(address)
    if entry is None:
        return None
    because = entry.mode.because
    if reader.unexpanded() and not entry.mode.own_only:
        because = _("reading it as its owner hides meetings of series at this server")
    return {
        "mode": entry.mode.current.value,
        "because": because,
        "subjects_seen": entry.agenda.detailed if entry.agenda else None,
    }


def _stream(address: str, pipeline: Pipeline) -> dict[str, Any] | None:
    watcher, now = pipeline.parts.watcher, pipeline.parts.now()
    coverage = watcher.coverage(address)
    if coverage is None:
        return None
    stream, doubt = watcher.stream(address), watcher.doubt(address)
    shown: dict[str, Any] = {
        "state": "polled" if coverage == "waiting" else coverage,
        "reason": doubt.reason if doubt else "",
        "poll_seconds": pipeline.changes.polling.period if coverage == "waiting" else None,
        "group": None,
    }
    if stream is not None:
        shown["group"] = {
            "number": stream.number,
            "anchor": stream.anchor,
            "members": stream.members,
            "own": stream.own,
            "server": stream.server,
            "state": stream.state,
            "opened_at": iso(stream.opened_at),
            "age_seconds": stream.opened_at and round((now - stream.opened_at).total_seconds()),
            "last_heartbeat": iso(stream.last_heartbeat),
        }
    return shown


def _agenda(address: str, pipeline: Pipeline) -> dict[str, Any] | None:
    parts, now = pipeline.parts, pipeline.parts.now()
    entry = parts.reader.entry(address)
    if entry is None:
        return None
    failing = {"reason": entry.stale_reason, "failing_since": iso(entry.failing_since)}
    agenda = entry.agenda
    if agenda is None:
        return {"read_at": None, "age_seconds": None, "waits": False, **failing, "items": [], "current": None}
    spans = parts.answers.shown(agenda)
    running = current(spans, now)
    near = [span for span in spans if span.end > now - _BEFORE and span.start < now + _AHEAD]
    return {
        "read_at": iso(agenda.read_at),
        "age_seconds": round((now - agenda.read_at).total_seconds()),
        "waits": entry.agenda_generation != entry.generation,
        **failing,
        "items": [instants.span(span) for span in sorted(near, key=lambda span: span.start)],
        "current": running and instants.span(running),
    }


def _now(agenda: Mapping[str, Any] | None, absence: Mapping[str, Any] | None, now: str) -> dict[str, Any] | None:
    """Say what colleagues are to be shown, and why; None where it is not known. Instants so written are in order."""
    if absence and absence["state"] in {"enabled", "scheduled"}:
        start, end = absence["start"], absence["end"]
        if (start is None or start <= now) and (end is None or now < end):
            return {"shown": "oof", "until": end, "because": _("the automatic reply is on")}
    if agenda is None or agenda["read_at"] is None:
        return None
    if running := agenda["current"]:
        because = _("an appointment that counts so is running")
        return {"shown": running["show_as"], "until": running["end"], "because": because}
    others = any(each["start"] <= now < each["end"] for each in agenda["items"])
    because = _("what is running counts as nothing") if others else _("no appointment is running")
    return {"shown": "free", "until": None, "because": because}


def _absence(address: str, pipeline: Pipeline) -> dict[str, Any] | None:
    known = pipeline.parts.absences.known(address)
    if known is None:
        return None
    absence = known.absence
    return {
        "state": absence.state.value if absence else None,
        "start": iso(absence.start) if absence else None,
        "end": iso(absence.end) if absence else None,
        "confirmed_at": iso(known.seen_at),
        "reason": known.refused or known.failed or known.tipless,
    }


def _told(member: Member, pipeline: Pipeline) -> dict[str, Any]:
    """Say what Rainbow was told, and has asked since; the ledger's clock is the loop's."""
    parts, loop_now = pipeline.parts, pipeline.parts.loop_time()
    notifier, user_id = parts.notifier, member.user.id
    standing = parts.ledger.standing(user_id)

    def at(moment: float | None) -> str | None:
        return None if moment is None else iso(parts.wall(moment))

    waits = notifier.waits(user_id)
    return {
        "at": at(standing.notified_at),
        "waits": waits,
        "failing": str(notifier.last_error) if waits and notifier.last_error else "",
        "refused": user_id in notifier.held_back,
        "changed": [kind.value for kind in standing.changed],
        "not_asked": [kind.value for kind in standing.unasked],
        "not_asked_since": at(standing.waiting_since),
        "late": standing.waiting_since is not None and loop_now - standing.waiting_since > PATIENCE,
        "answered_at": {kind.value: at(standing.answered_at.get(kind)) for kind in Told},
    }


def _rule(applied: Applied) -> str:
    return f'bridge.privacy_exceptions "{applied.pattern}"' if applied.pattern else "bridge.privacy"
