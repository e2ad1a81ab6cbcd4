"""What an administrator reads when Exchange refuses the sign-in."""

import pytest

from rainbow_exchange.bridge.causes import exchange_cause
from rainbow_exchange.bridge.sign_in_causes import passed_over
from rainbow_exchange.ews.errors import EwsAuthenticationError, EwsConnectionError, Tried
from rainbow_exchange.network.proxy import ProxyFault, ProxyTrouble
from rainbow_exchange.network.verdict import Fault, Verdict

EWS = "https://mail.acme.test/EWS/Exchange.asmx"
STOCK = ("Negotiate", "NTLM")


def said(tried: Tried | None, offered: tuple[str, ...] = STOCK, *, retried: bool = False) -> str:
    cause = exchange_cause(EwsAuthenticationError(401, offered, tried), EWS, retried=retried)
    assert cause.id == "exchange-authentication"
    assert "mail.acme.test" in cause.text or tried is not None
    return f"{cause.text} {cause.action}"


@pytest.mark.parametrize(
    ("tried", "offered", "parts"),
    [
        (
            Tried(scheme="NTLM", stage="proof", binding=True),
            STOCK,
            ["refuses the user name or password by NTLM", "locked", "expired", "Extended Protection", "load balancer"],
        ),
        (Tried(scheme="NTLM", stage="proof"), STOCK, ["Protected Users", "rainbow-exchange retry"]),
        (
            Tried(scheme="Basic", stage="proof"),
            STOCK,
            ["Basic authentication is off", "offers Negotiate, NTLM", "exchange.auth to auto"],
        ),
        (Tried(scheme="Basic", stage="proof"), ("Basic",), ["user name or password by Basic", "exchange.password"]),
        (Tried(scheme="NTLM", stage="offer"), ("Basic",), ["does not offer NTLM; it offers Basic", "exchange.auth"]),
        (Tried(scheme="auto", stage="offer"), ("Digest",), ["offers Digest", "Windows authentication"]),
        (Tried(scheme="NTLM", stage="handshake"), STOCK, ["does not go on", "one connection to one server"]),
        (Tried(scheme="", stage="handshake"), (), ["does not go on", "load balancer"]),
        (Tried(scheme="Negotiate", stage="kerberos", reason="locked"), STOCK, ["domain controller", "locked"]),
        (Tried(scheme="Negotiate", stage="kerberos", reason="password-expired"), STOCK, ["has expired", "Set a new"]),
        (
            Tried(scheme="Negotiate", stage="proof", reason="wrong-key", password=False, binding=True),
            STOCK,
            ["HTTP/mail.acme.test belongs to another account", "setspn -X"],
        ),
        (
            Tried(scheme="Negotiate", stage="proof", password=False, binding=True),
            STOCK,
            ["without a password", "Suspect Extended Protection"],
        ),
        (
            Tried(scheme="Bearer", stage="token", reason="invalid_client"),
            (),
            ["invalid_client", "exchange.client_secret"],
        ),
        (Tried(scheme="Bearer", stage="token", reason="odd"), (), ["(odd)", "Check the client there"]),
        (
            Tried(scheme="Bearer", stage="proof", password=False),
            ("Bearer",),
            ["refuses the token", "Get-AuthServer", "exchange.token_resource"],
        ),
    ],
)
def test_it_says_what_to_suspect(tried: Tried, offered: tuple[str, ...], parts: list[str]) -> None:
    text = said(tried, offered)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize("password", [True, False])
def test_without_tls_a_server_that_requires_extended_protection_refuses_for_that(*, password: bool) -> None:
    text = said(Tried(scheme="Negotiate", stage="proof", password=password))
    assert "An Exchange that requires Extended Protection refuses for that reason" in text
    assert "exchange.url, with https://" in text
    assert "load balancer or proxy in front of it ends TLS" not in text


def test_basic_knows_no_extended_protection() -> None:
    assert "Extended Protection" not in said(Tried(scheme="Basic", stage="proof"), ("Basic",))


def test_it_says_that_a_wrong_password_is_not_tried_again_and_how_to_force_it() -> None:
    text = said(Tried(scheme="NTLM", stage="proof"))
    assert "not tried again, not even after a restart" in text
    assert "rainbow-exchange retry" in text


def test_it_says_that_what_had_worked_is_tried_again() -> None:
    text = said(Tried(scheme="NTLM", stage="proof"), retried=True)
    assert "tried again by itself" in text
    assert "not tried again" not in text


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        ("no-ticket", ["no ticket and no keytab", "kinit", "KRB5_CLIENT_KTNAME"]),
        ("ticket-expired", ["expired", "kinit"]),
        ("unknown-service", ["HTTP/mail.acme.test", "setspn -Q HTTP/mail.acme.test"]),
        ("clock-skew", ["clocks", "five minutes"]),
        ("no-domain-controller", ["domain controller", "krb5.conf"]),
        ("not-installed", ["rainbow-exchange[kerberos]", "exchange.password"]),
        ("unknown-account", ["not known to the domain", "exchange.username"]),
        ("something new", ["no reason that is known", "kvno HTTP/mail.acme.test"]),
    ],
)
def test_kerberos_is_named_with_what_is_in_its_way(reason: str, parts: list[str]) -> None:
    cause = exchange_cause(EwsConnectionError("kerberos", reason), EWS)
    assert cause.id == "exchange-kerberos"
    text = f"{cause.text} {cause.action}"
    assert [part for part in [*parts, "tried again by itself"] if part not in text] == []


def test_a_token_endpoint_that_does_not_answer_is_a_problem_of_its_own() -> None:
    cause = exchange_cause(EwsConnectionError("token", "no answer from adfs.acme.test:443 in time"), EWS)
    assert cause.id == "exchange-token"
    assert "adfs.acme.test:443" in cause.text
    assert "exchange.token_url" in cause.action


def test_the_certificate_and_the_proxy_before_a_token_endpoint_have_their_own_step() -> None:
    why = Verdict(faults=(Fault.OTHER_NAME,), text="The certificate is for another name.", names=("sts.acme.test",))
    cause = exchange_cause(EwsConnectionError("token", why.text, why=why), EWS)
    assert cause.id == "exchange-token"
    assert cause.text == "No token for Exchange can be had: The certificate is for another name."
    assert "Use a name of the certificate in exchange.token_url (sts.acme.test)" in cause.action
    trouble = ProxyTrouble(fault=ProxyFault.FORBIDS, text="The proxy forbids it.")
    cause = exchange_cause(EwsConnectionError("token", trouble.text, why=trouble), EWS)
    assert cause.id == "exchange-token"
    assert "Have the proxy's administrators allow this destination" in cause.action


def test_of_an_account_passed_over_nothing_is_suspected_that_the_other_one_meets_too() -> None:
    error = EwsAuthenticationError(401, STOCK, Tried(scheme="NTLM", stage="proof", binding=True))
    text, action = passed_over(error, "mail.acme.test")
    assert "refuses the user name or password by NTLM" in text
    assert action == (
        "Check exchange.username (COMPANY\\name or name@company.com) and exchange.password, and whether the account is"
        " locked or disabled or its password has expired. It is not gone back to by itself: once it is mended,"
        " rainbow-exchange retry --all."
    )
