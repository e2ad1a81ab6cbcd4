import pytest

from rainbow_exchange.windows_acl import readers

OWNER = "S-1-5-21-1-2-3-1001"


@pytest.mark.parametrize(
    ("descriptor", "who"),
    [
        # as the connector writes them: SYSTEM, Administrators, the owner, nothing inherited
        ("O:BAD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)", []),
        (f"O:{OWNER}D:PAI(A;;FA;;;SY)(A;;FA;;;{OWNER})", []),
        (f"O:{OWNER}G:DUD:AI(A;ID;FA;;;{OWNER})", []),
        # as a new file in C:\\ProgramData inherits them
        ("O:BAD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)", ["Users"]),
        ("O:BAD:AI(A;ID;FR;;;WD)(A;ID;0x1200a9;;;S-1-5-21-9-9-9-500)", ["Everyone", "S-1-5-21-9-9-9-500"]),
        # whoever may change the list may read by and by
        ("O:BAD:P(A;;WD;;;AU)", ["Authenticated Users"]),
        # attributes and permissions alone, an entry for what is made below, a refusal, another's right
        ("O:BAD:P(A;;RCLO;;;BU)(A;OICIIO;FA;;;BU)(D;;FA;;;WD)(A;;FR;;;S-1-5-80-7)", []),
        # a condition does not make it private
        ('O:BAD:P(XA;;FR;;;WD;(@USER.title=="PM"))', ["Everyone"]),
        # no list at all is worse than an empty one
        ("O:BAD:NO_ACCESS_CONTROL", ["Everyone"]),
        ("O:BA", ["Everyone"]),
        ("O:BAD:P", []),
    ],
)
def test_who_may_read_besides_those_who_should(descriptor: str, who: list[str]) -> None:
    assert readers(descriptor, frozenset({"S-1-5-80-7"})) == who
