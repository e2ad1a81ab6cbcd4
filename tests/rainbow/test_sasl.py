import base64
from collections.abc import Sequence

import pytest
import scramp  # type: ignore[import-untyped]  # the library ships no types

from rainbow_exchange.rainbow.errors import SaslRefused
from rainbow_exchange.rainbow.sasl import Mechanism, choose

PASSWORD = "pw-é"
ALL = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "DIGEST-MD5")


def chosen(offered: Sequence[str] = ALL, *, plain_allowed: bool = True, password: str = PASSWORD) -> Mechanism:
    return choose(offered, username="connector", password=password, plain_allowed=plain_allowed)


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        (ALL, "SCRAM-SHA-256"),
        (tuple(reversed(ALL)), "SCRAM-SHA-256"),
        (("PLAIN", "SCRAM-SHA-1"), "SCRAM-SHA-1"),
        (("PLAIN",), "PLAIN"),
    ],
)
def test_our_own_preference_chooses(offered: Sequence[str], name: str) -> None:
    assert chosen(offered).name == name


@pytest.mark.parametrize("offered", [(), ("PLAIN",), ("SCRAM-SHA-256-PLUS", "DIGEST-MD5")])
def test_password_is_never_sent_in_clear_where_somebody_may_listen(offered: Sequence[str]) -> None:
    with pytest.raises(SaslRefused, match="no-mechanism"):
        chosen(offered, plain_allowed=False)


def test_plain_is_nul_name_nul_password() -> None:
    plain = chosen(("PLAIN",))
    assert base64.b64decode(plain.first()) == "\0connector\0pw-é".encode()
    plain.finish("")
    with pytest.raises(SaslRefused):
        plain.answer("cj0x")


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def server_for(name: str, password: str = PASSWORD) -> "scramp.core.ScramServer":
    mechanism = scramp.ScramMechanism(name)
    info = mechanism.make_auth_info(password, salt=b"0123456789abcdef")
    return mechanism.make_server(lambda _user: info)


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("in_success", [True, False])
def test_scram_proves_both_sides(name: str, *, in_success: bool) -> None:
    server, client = server_for(name), chosen((name,))
    server.set_client_first(base64.b64decode(client.first()).decode())
    server.set_client_final(base64.b64decode(client.answer(encode(server.get_server_first()))).decode())
    final = encode(server.get_server_final())
    if in_success:
        client.finish(final)
    else:
        assert client.answer(final) == ""
        client.finish("")


def half_way() -> Mechanism:
    server, client = server_for("SCRAM-SHA-256"), chosen(("SCRAM-SHA-256",))
    server.set_client_first(base64.b64decode(client.first()).decode())
    client.answer(encode(server.get_server_first()))
    return client


@pytest.mark.parametrize("content", ["", encode("v=bm90IGl0"), encode("e=invalid-proof"), "%%%"])
def test_server_that_does_not_prove_itself_is_refused(content: str) -> None:
    with pytest.raises(SaslRefused):
        half_way().finish(content)


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "%%%",
        encode("nonsense"),
        encode("r=x,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096"),
        base64.b64encode(b"\xff").decode(),
        encode("r=x,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=200001"),
        encode("r=x,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=99999999999"),
    ],
)
def test_challenge_that_makes_no_sense_or_too_much_work_is_refused(challenge: str) -> None:
    client = chosen(("SCRAM-SHA-256",))
    client.first()
    with pytest.raises(SaslRefused):
        client.answer(challenge)


def test_password_that_scram_cannot_carry_is_refused() -> None:
    with pytest.raises(SaslRefused):
        chosen(("SCRAM-SHA-256",), password="\u0007")
