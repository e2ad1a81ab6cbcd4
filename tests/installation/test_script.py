"""The script for Windows, as far as that can be judged without PowerShell."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rainbow_exchange import installation
from tests import powershell

ROOT = Path(__file__).parent.parent.parent
TEXT = (Path(installation.__file__).parent / "Install-RainbowExchange.ps1").read_text(encoding="ascii")
#: what Windows PowerShell 5.1 brings on every edition of a server, Server Core too
AT_HAND = {
    "ConvertFrom-Json",
    "Get-ChildItem",
    "Get-Content",
    "Get-Item",
    "Join-Path",
    "Set-StrictMode",
    "Test-Path",
    "Write-Host",
}


def test_it_is_powershell_of_the_version_that_servers_have() -> None:
    assert powershell.faults(TEXT) == []


@pytest.mark.parametrize("page", ["install-on-windows.md", "upgrade.md"])
def test_what_is_to_be_typed_is_powershell(page: str) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```powershell\n(.*?)^```", text)
    assert blocks
    assert [fault for block in blocks for fault in powershell.faults(block)] == []


def test_it_calls_nothing_but_what_every_server_has() -> None:
    own = set(re.findall(r"^function ([A-Za-z-]+)", TEXT, re.MULTILINE))
    assert own == {"Find-Python", "Find-Code"}
    assert set(powershell.commands(TEXT)) <= AT_HAND | own


def test_it_is_strict_and_gives_the_code_of_what_it_called() -> None:
    lines = [line.strip() for line in TEXT.splitlines()]
    assert lines.index("Set-StrictMode -Version 2.0") < lines.index("function Find-Python {")
    assert "$ErrorActionPreference = 'Stop'" in lines
    called = [number for number, line in enumerate(lines) if line.startswith("& ")]
    assert [lines[number + 1] for number in called] == ["$ended = $LASTEXITCODE"]
    assert lines[-1] == "exit $ended"
    assert lines.count("try {") == lines.count("finally {") == 1


def test_each_of_its_parameters_is_explained_and_leads_to_an_option_there_is() -> None:
    declared = re.findall(r"\[(?:string|switch)\] \$([A-Z]\w+),?$", TEXT.partition("function")[0], re.MULTILINE)
    assert re.findall(r"^\.PARAMETER (\w+)$", TEXT, re.MULTILINE) == declared
    assert len(declared) == 9
    help_text = python("-m", "rainbow_exchange.installation", "install", "--help").stdout
    for option in re.findall(r"'(--[a-z-]+)'", TEXT):
        assert option in help_text, option


@pytest.mark.parametrize("command", ["install", "rollback", "uninstall", "fit-state"])
def test_what_it_calls_needs_the_standard_library_only(command: str) -> None:
    assert command in TEXT or command == "fit-state"
    done = python("-m", "rainbow_exchange.installation", command, "--help")
    assert done.stdout.startswith(f"usage: python -m rainbow_exchange.installation {command}")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python that has no package installed (`-S`) in this project's folder."""
    return subprocess.run(  # noqa: S603  (our own interpreter)
        [sys.executable, "-S", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
