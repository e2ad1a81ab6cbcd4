import pytest

from rainbow_exchange.network.challenges import schemes


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("Negotiate", "NTLM", 'Basic realm="mail.acme.test"'), ("Negotiate", "NTLM", "Basic")),
        (("Negotiate, NTLM, Basic realm=x",), ("Negotiate", "NTLM", "Basic")),
        (
            ('Bearer client_id="1, Basic x", trusted_issuers="a@*", token_types="jwt"', "Negotiate"),
            ("Bearer", "Negotiate"),
        ),
        (("NTLM TlRMTVNTUAACAAAA==", "NTLM"), ("NTLM",)),
        (("Zaphod42 realm=x, Basic realm=y", "Other"), ("unknown", "Basic")),
        ((), ()),
    ],
)
def test_schemes_are_read_from_any_form_of_the_header(headers: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert schemes(headers) == expected
