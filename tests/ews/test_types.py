import pytest

from rainbow_exchange.ews.types import ConnectingSid, ResponseCode, connecting_sid
from rainbow_exchange.model import Mailbox


def test_any_string_is_a_response_code() -> None:
    code = ResponseCode("ErrorInventedYesterday")
    assert code == "ErrorInventedYesterday"
    assert ResponseCode("ErrorServerBusy") == ResponseCode.SERVER_BUSY


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (None, ConnectingSid(kind="PrimarySmtpAddress", value="ada@acme.test")),
        ("ada@corp.acme.test", ConnectingSid(kind="PrincipalName", value="ada@corp.acme.test")),
        ("S-1-5-21-1-2-3-1104", ConnectingSid(kind="SID", value="S-1-5-21-1-2-3-1104")),
        ("s-1-5-21-1-2-3-1104", ConnectingSid(kind="SID", value="s-1-5-21-1-2-3-1104")),
    ],
)
def test_a_mailbox_is_impersonated_by_its_principal_else_its_address(
    principal: str | None, expected: ConnectingSid
) -> None:
    assert connecting_sid(Mailbox(address="ada@acme.test", principal=principal)) == expected
