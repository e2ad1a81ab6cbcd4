import re
from collections.abc import Sequence

import pytest

from rainbow_exchange.rainbow.errors import SaslRefused, StreamEnded, UnexpectedAnswer
from rainbow_exchange.rainbow.negotiation import negotiate
from rainbow_exchange.rainbow.stanzas import read

OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'
OFFER = (
    '<features xmlns="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">'
    "<mechanism>PLAIN</mechanism></mechanisms></features>"
)
BINDING = (
    '<features xmlns="http://etherx.jabber.org/streams"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>{}</features>'
)
SESSION = '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"/>'
SUCCESS = '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'
FAILURE = '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/><text>No</text></failure>'
CHALLENGE = '<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl">cj0x</challenge>'
BOUND = (
    '<iq type="result" id="bind-1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>a@rainbow.test/other</jid>'
    "</bind></iq>"
)
IN_SESSION = '<iq type="result" id="session-1"/>'
ERROR = (
    '<iq type="error" id="bind-1"><error type="cancel">'
    '<conflict xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>'
)
ELSE = '<message xmlns="jabber:client"/>'


def talk(frames: Sequence[str], *, plain_allowed: bool = True) -> tuple[str, list[str]]:
    """Feed these frames to a negotiation; its result and the names of what it sent."""
    negotiation = negotiate(
        domain="rainbow.test", username="a", password="b", resource="node_x", plain_allowed=plain_allowed
    )
    sent = [next(negotiation)]
    for frame in frames:
        try:
            sent.append(negotiation.send(read(frame)))
        except StopIteration as end:
            return str(end.value.jid), [re.split(r"[ /]", each[1:])[0] for each in sent if each]
    raise AssertionError("not finished")


def test_server_decides_on_the_resource() -> None:
    assert talk([OPEN, OFFER, SUCCESS, OPEN, BINDING.format(""), BOUND]) == (
        "a@rainbow.test/other",
        ["open", "auth", "open", "iq"],
    )


def test_session_is_asked_for_where_the_server_insists() -> None:
    frames = [OPEN, OFFER, SUCCESS, OPEN, BINDING.format(SESSION), BOUND, IN_SESSION]
    assert talk(frames)[1] == ["open", "auth", "open", "iq", "iq"]


def test_session_that_is_optional_is_not_asked_for() -> None:
    optional = SESSION.replace("/>", "><optional/></session>")
    assert talk([OPEN, OFFER, SUCCESS, OPEN, BINDING.format(optional), BOUND])[1] == ["open", "auth", "open", "iq"]


def test_what_comes_before_the_answer_is_passed_over() -> None:
    assert talk([OPEN, OFFER, SUCCESS, OPEN, BINDING.format(""), ELSE, IN_SESSION, BOUND])[0] == "a@rainbow.test/other"


def test_what_comes_before_the_answers_is_kept_for_later() -> None:
    negotiation = negotiate(domain="rainbow.test", username="a", password="b", resource="node_x", plain_allowed=True)
    next(negotiation)
    frames = [read(frame) for frame in (OPEN, OFFER, SUCCESS, OPEN, BINDING.format(SESSION), ELSE, BOUND, ELSE)]
    for frame in frames:
        negotiation.send(frame)
    with pytest.raises(StopIteration) as end:
        negotiation.send(read(IN_SESSION))
    assert end.value.value.frames == (frames[5], frames[7])


@pytest.mark.parametrize(
    "frames",
    [
        [OFFER],
        [OPEN, OPEN],
        [OPEN, OFFER, ELSE],
        [OPEN, OFFER, SUCCESS, OPEN, OFFER],
        [OPEN, OFFER, SUCCESS, OPEN, BINDING.format(""), BOUND.replace("/other", "")],
        [OPEN, OFFER, SUCCESS, OPEN, BINDING.format(""), *[ELSE] * 51],
    ],
)
def test_step_out_of_turn_is_unexpected(frames: list[str]) -> None:
    with pytest.raises(UnexpectedAnswer):
        talk(frames)


@pytest.mark.parametrize("frames", [[OPEN, OFFER, FAILURE], [OPEN, OFFER, CHALLENGE]])
def test_refused_login_tells_the_condition(frames: list[str]) -> None:
    with pytest.raises(SaslRefused, match=r"not-authorized: No|malformed-request"):
        talk(frames)


def test_password_does_not_go_where_it_may_not() -> None:
    with pytest.raises(SaslRefused, match="no-mechanism"):
        talk([OPEN, OFFER], plain_allowed=False)


def test_resource_that_is_taken_is_not_taken_for_a_conflict_of_the_stream() -> None:
    with pytest.raises(StreamEnded) as caught:
        talk([OPEN, OFFER, SUCCESS, OPEN, BINDING.format(""), ERROR])
    assert caught.value.condition == "bind-conflict"


def test_server_that_challenges_for_ever_is_refused() -> None:
    scram = OFFER.replace("PLAIN", "SCRAM-SHA-1")
    with pytest.raises(SaslRefused, match="malformed-request"):
        talk([OPEN, scram, CHALLENGE, CHALLENGE, CHALLENGE])
