"""From a fresh WebSocket to a bound resource, step by step, without I/O (RFC 7395, RFC 6120 sections 6 and 7).

A negotiation is a generator: it yields a frame to send (or None to send nothing) and is sent the next frame read.
"""

from collections.abc import Generator
from dataclasses import dataclass

from rainbow_exchange.rainbow import stanzas
from rainbow_exchange.rainbow.errors import SaslRefused, StreamEnded, UnexpectedAnswer
from rainbow_exchange.rainbow.sasl import choose
from rainbow_exchange.rainbow.stanzas import Features, Frame, Iq, Open, Sasl
from rainbow_exchange.words import _


@dataclass(frozen=True, slots=True)
class Bound:
    """What a negotiation ends with: the full JID, and the frames that came amid its last steps and await their turn."""

    jid: str
    frames: tuple[Frame, ...] = ()


Negotiation = Generator[str | None, Frame, Bound]
_Steps = Generator[str | None, Frame, None]

#: Frames that a server may slip in before it answers an IQ.
_MAX_OTHERS = 50
_MAX_CHALLENGES = 3


def negotiate(*, domain: str, username: str, password: str, resource: str, plain_allowed: bool) -> Negotiation:
    """Sign in and bind `resource`. Raises SaslRefused, StreamEnded, UnexpectedAnswer."""
    features = yield from _open(domain)
    yield from _authenticate(features, username=username, password=password, plain_allowed=plain_allowed)
    # After SASL nothing from before counts (RFC 6120 section 6.3.2): the stream is opened anew.
    features = yield from _open(domain)
    if not features.bind:
        raise UnexpectedAnswer(_("the server does not offer to bind a resource"))
    others: list[Frame] = []
    jid = stanzas.bound_jid((yield from _ask(stanzas.bind("bind-1", resource), "bind-1", others)))
    if features.session:
        yield from _ask(stanzas.session("session-1"), "session-1", others)
    return Bound(jid, tuple(others))


def _open(domain: str) -> Generator[str | None, Frame, Features]:
    frame = yield stanzas.open_(domain)
    if not isinstance(frame, Open):
        raise UnexpectedAnswer(_("<open/> was not answered by <open/>"))
    frame = yield None
    if not isinstance(frame, Features):
        raise UnexpectedAnswer(_("<open/> was not followed by stream features"))
    return frame


def _authenticate(features: Features, *, username: str, password: str, plain_allowed: bool) -> _Steps:
    mechanism = choose(features.mechanisms, username=username, password=password, plain_allowed=plain_allowed)
    frame = yield stanzas.auth(mechanism.name, mechanism.first())
    for _turn in range(_MAX_CHALLENGES):
        match frame:
            case Sasl(kind="challenge", content=content):
                frame = yield stanzas.response(mechanism.answer(content))
            case Sasl(kind="success", content=content):
                mechanism.finish(content)
                return
            case Sasl(kind="failure", content=condition, text=text):
                raise SaslRefused(condition, text)
            case _:
                raise UnexpectedAnswer(_("a step of the login was not answered by SASL"))
    raise SaslRefused("malformed-request", _("the login goes round in circles"))


def _ask(request: str, id_: str, others: list[Frame]) -> Generator[str | None, Frame, Iq]:
    """Ask, and put aside whatever comes before the answer: once bound, that may be a question already."""
    frame = yield request
    for _turn in range(_MAX_OTHERS):
        if isinstance(frame, Iq) and frame.id == id_ and frame.type in ("result", "error"):
            if frame.type == "error":
                raise StreamEnded(f"{id_.partition('-')[0]}-{frame.condition}")
            return frame
        others.append(frame)
        frame = yield None
    raise UnexpectedAnswer(_("{id} was never answered", id=id_))
