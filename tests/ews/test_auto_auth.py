"""Which scheme is taken, by what is offered and what there are credentials for."""

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
import spnego

from rainbow_exchange.ews.auth import Challenge, Leg
from rainbow_exchange.ews.auto_auth import AutoAuth
from rainbow_exchange.ews.errors import Tried

BARE = Leg(with_body=False)
BASIC = Leg(authorization="Basic QUNNRVxzdmM6cHc=")


def auto(**keywords: Any) -> AutoAuth:
    return AutoAuth(**({"username": "ACME\\svc", "password": "pw", "host": "mail.acme.test"} | keywords))


def bound(auth: AutoAuth) -> bool:
    return auth.connection_bound


def offers(*headers: str) -> Challenge:
    return Challenge(status=401, www_authenticate=headers)


def ended(flow: Any, challenge: Challenge) -> Tried:
    with pytest.raises(StopIteration) as raised:
        flow.send(challenge)
    tried: Tried = raised.value.value
    return tried


@pytest.mark.parametrize(
    ("offered", "scheme"),
    [
        (("Negotiate", "NTLM", 'Basic realm="x"'), "NTLM"),
        (("NTLM", "Basic realm=x"), "NTLM"),
        (("Negotiate", "Basic realm=x"), "Negotiate"),
        (("Negotiate",), "Negotiate"),
    ],
)
def test_windows_schemes_go_before_basic(offered: tuple[str, ...], scheme: str) -> None:
    auth = auto()
    flow = auth.flow()
    assert next(flow) == BARE
    leg = flow.send(offers(*offered))
    name, _, token = (leg.authorization or "").partition(" ")
    assert name == scheme
    assert b64decode(token).startswith(b"NTLMSSP\0\x01")
    assert not leg.with_body
    assert bound(auth)


def test_basic_is_taken_where_it_is_all_there_is_and_kept_until_it_is_refused() -> None:
    auth = auto()
    flow = auth.flow()
    assert next(flow) == BARE
    assert flow.send(offers("Basic realm=x")) == BASIC
    assert not bound(auth)
    flow = auth.flow()
    assert next(flow) == BASIC
    assert ended(flow, offers("NTLM")) == Tried(scheme="Basic", stage="proof")
    assert bound(auth)
    assert next(auth.flow()) == BARE


def challenge_of(hello: Leg) -> Challenge:
    """Answer an NTLM hello."""
    scheme, _, token = (hello.authorization or "").partition(" ")
    said = spnego.server(protocol="ntlm").step(b64decode(token)) or b""
    return offers(f"{scheme} {b64encode(said).decode()}")


def test_a_refused_proof_is_not_followed_by_basic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "users").write_text("ACME:svc:pw\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    flow = auto().flow()
    next(flow)
    proof = flow.send(challenge_of(flow.send(offers("NTLM", "Basic realm=x"))))
    assert proof.with_body
    assert ended(flow, offers("NTLM", "Basic realm=x")) == Tried(scheme="NTLM", stage="proof")


def test_negotiate_without_ntlm_in_it_is_followed_by_basic_which_is_kept() -> None:
    auth = auto()
    flow = auth.flow()
    next(flow)
    hello = flow.send(offers("Negotiate", "Basic realm=x"))
    assert not hello.with_body
    assert flow.send(offers("Negotiate", "Basic realm=x")) == BASIC
    assert not bound(auth)
    assert ended(flow, offers("Negotiate", "Basic realm=x")) == Tried(scheme="Basic", stage="proof")


def test_where_basic_is_not_offered_a_declined_handshake_is_the_end() -> None:
    flow = auto().flow()
    next(flow)
    flow.send(offers("NTLM"))
    assert ended(flow, offers("NTLM")) == Tried(scheme="NTLM", stage="handshake", reason="declined")


@pytest.mark.parametrize("offered", [("Digest realm=x",), (), ("Bearer",)])
def test_nothing_that_could_be_tried(offered: tuple[str, ...]) -> None:
    flow = auto().flow()
    next(flow)
    assert ended(flow, offers(*offered)) == Tried(scheme="auto", stage="offer")


def test_a_user_name_that_basic_cannot_carry_is_not_sent_by_it() -> None:
    flow = auto(username="acme:svc").flow()
    next(flow)
    assert ended(flow, offers("Basic realm=x")).stage == "offer"


def test_with_tokens_alone_nothing_is_asked_first() -> None:
    auth = auto(username=None, password=None, tokens=True)
    assert not bound(auth)
    assert next(auth.flow()) == Leg(bearer="current")


def test_with_tokens_and_a_password_bearer_is_asked_for_and_taken_if_offered() -> None:
    auth = auto(tokens=True)
    flow = auth.flow()
    assert next(flow) == Leg(authorization="Bearer", with_body=False)
    assert flow.send(offers("Bearer client_id=x", "NTLM")) == Leg(bearer="current")
    assert next(auth.flow()) == Leg(bearer="current")


def test_with_tokens_and_a_password_the_password_is_taken_where_bearer_is_not_offered() -> None:
    flow = auto(tokens=True).flow()
    next(flow)
    assert (flow.send(offers("NTLM")).authorization or "").startswith("NTLM ")
