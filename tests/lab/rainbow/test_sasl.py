"""The lab's SASL against the test vectors' own way: a client of the scramp library, and PLAIN by hand."""

import base64
from typing import Any

import pytest
import scramp  # type: ignore[import-untyped]  # the library ships no types

from rainbow_exchange.lab.rainbow.sasl import Authentication, SaslFailure

PASSWORDS = {"connector": "deadbeef"}
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decode(text: str | None) -> str:
    assert text is not None
    return base64.b64decode(text).decode()


@pytest.mark.parametrize("name", SCRAM)
def test_scram_proves_both_sides(name: str) -> None:
    client, server = scramp.ScramClient([name], "connector", "deadbeef"), Authentication(name, PASSWORDS.get)
    client.set_server_first(decode(server.step(encode(client.get_client_first()))))
    client.set_server_final(decode(server.step(encode(client.get_client_final()))))
    assert server.user == "connector"


@pytest.mark.parametrize("name", SCRAM)
@pytest.mark.parametrize(("user", "password"), [("connector", "wrong"), ("nobody", "deadbeef")])
def test_wrong_password_and_unknown_user_are_refused_alike(name: str, user: str, password: str) -> None:
    client, server = scramp.ScramClient([name], user, password), Authentication(name, PASSWORDS.get)
    client.set_server_first(decode(server.step(encode(client.get_client_first()))))
    with pytest.raises(SaslFailure) as caught:
        server.step(encode(client.get_client_final()))
    assert (caught.value.condition, caught.value.user, server.user) == ("not-authorized", user, "")


def test_plain_is_one_step() -> None:
    server = Authentication("PLAIN", PASSWORDS.get)
    assert server.step(encode("\0connector\0deadbeef")) is None
    assert server.user == "connector"


@pytest.mark.parametrize(
    ("name", "content", "condition"),
    [
        ("PLAIN", encode("\0connector\0wrong"), "not-authorized"),
        ("PLAIN", encode("\0nobody\0deadbeef"), "not-authorized"),
        ("PLAIN", encode("connector"), "malformed-request"),
        ("PLAIN", "?", "malformed-request"),
        ("SCRAM-SHA-1", encode("rubbish"), "malformed-request"),
        ("SCRAM-SHA-1", "?", "malformed-request"),
    ],
)
def test_refusals_have_their_names(name: str, content: str, condition: str) -> None:
    server: Any = Authentication(name, PASSWORDS.get)
    with pytest.raises(SaslFailure) as caught:
        server.step(content)
    assert caught.value.condition == condition
