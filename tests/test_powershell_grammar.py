"""The grammar by which the tests judge PowerShell tells what is none."""

import pytest

from tests.powershell import commands, faults


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("if (1 -eq 2 { a }", ["line 1: if (1 -eq 2 { a }"]),
        ("Get-Item a\nNew-Item -Name 'b\nGet-Item c\n", ["line 2: New-Item -Name 'b"]),
        ("$map = @{a = 1", ["line 1: $map = @{a = 1"]),
        ("Get-Item a\n}\n", ["line 2: }"]),
        ("Get-Item (", ["line 1: Get-Item ("]),
        ("$one = $two ?? 3", ["line 1: $one = $two ?? 3"]),
        ("stop-it && start-it", ["line 1: stop-it && start-it"]),
    ],
)
def test_what_is_no_powershell_of_a_server_is_found(script: str, found: list[str]) -> None:
    assert faults(script) == found


def test_what_is_powershell_is_let_through() -> None:
    script = """\
param([string] $Name = 'a', [switch] $Force)
# a remark
if (-not (Get-Item $Name | Where-Object Name -eq 'it''s')) {
    New-Item -Name "x $($Name.Length)" `
        -Force:$false
} else {
    try { Remove-Item $Name } catch { throw "no: $_" }
}
"""
    assert faults(script) == []
    assert commands(script) == ["Get-Item", "Where-Object", "New-Item", "Remove-Item"]
