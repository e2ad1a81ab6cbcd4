import re

import pytest

from rainbow_exchange.service.accounts import account, service_sid


def test_the_sid_of_a_service_is_that_of_windows() -> None:
    """Windows' own TrustedInstaller has this one on every machine."""
    assert service_sid("TrustedInstaller") == ("S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464")
    assert service_sid("trustedinstaller") == service_sid("TRUSTEDINSTALLER")


@pytest.mark.parametrize(
    ("given", "name", "trustee", "has_password", "needs_right"),
    [
        ("LocalSystem", "LocalSystem", "*S-1-5-18", False, False),
        ("NT AUTHORITY\\System", "LocalSystem", "*S-1-5-18", False, False),
        ("localservice", "NT AUTHORITY\\LocalService", "*S-1-5-19", False, False),
        ("NT Authority\\Network Service", "NT AUTHORITY\\NetworkService", "*S-1-5-20", False, False),
        ("ACME\\svc", "ACME\\svc", "ACME\\svc", True, True),
        ("ACME\\svc$", "ACME\\svc$", "ACME\\svc$", False, True),
        (".\\svc", ".\\svc", "svc", True, True),
        ("svc", ".\\svc", "svc", True, True),
    ],
)
def test_accounts(given: str, name: str, trustee: str, has_password: bool, needs_right: bool) -> None:
    found = account(given, "X")
    assert (found.name, found.trustee) == (name, trustee)
    assert (found.has_password, found.needs_right) == (has_password, needs_right)


def test_the_account_of_the_service_alone() -> None:
    found = account("nt service\\trustedinstaller", "TrustedInstaller")
    assert found.name == "NT SERVICE\\TrustedInstaller"
    assert found.trustee == "*S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
    assert not found.has_password


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("NT SERVICE\\other", "belongs to another service"),
        ("svc@acme.test", "write the account as DOMAIN\\name"),
        ("", "name the account as"),
        ("ACME\\", "name the account as"),
        ('ACME\\x" & calc & "', "has a character that no name of an account of Windows has"),
        ("ACME\\x\ncalc", "ACME\\x?calc has a character"),
    ],
)
def test_names_that_are_no_account(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        account(given, "X")
