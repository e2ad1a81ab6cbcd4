import sys
from pathlib import Path

import pytest

from rainbow_exchange.service import kept, systemd
from rainbow_exchange.service.carry_out import answer

FILES = ["/etc/rainbow.toml", "/srv/a b/50%/c.toml", '/srv/$HOME/"x"\\y;z.toml']


@pytest.mark.parametrize("file", FILES)
def test_a_unit_of_ours_tells_account_and_settings(file: str) -> None:
    made = systemd.LinuxService(
        name="x", python="/opt/a b/python", folder="/var/lib/x", account="svc-rainbow", config_file=file
    )
    assert kept.in_unit(systemd.unit(made)) == kept.Kept("svc-rainbow", file)


def test_another_s_unit_tells_what_it_has() -> None:
    assert kept.in_unit("[Service]\nExecStart=/bin/before\n") == kept.Kept("", "")
    assert kept.in_unit('[Service]\nExecStart=/usr/bin/r run --config="/etc/a%%b c"\n') == kept.Kept("", "/etc/a%b c")


@pytest.mark.parametrize(
    ("parameters", "file"),
    [
        ("-m rainbow_exchange run --stderr warning", ""),
        ("-m rainbow_exchange run --stderr warning --config C:\\data\\config.toml", "C:\\data\\config.toml"),
        ('-m rainbow_exchange run --config "D:\\our settings\\c.toml"', "D:\\our settings\\c.toml"),
    ],
)
def test_what_nssm_has_tells_the_settings(parameters: str, file: str) -> None:
    assert kept.in_parameters(parameters) == file


@pytest.mark.skipif(sys.platform == "win32", reason="the program here is one of a POSIX shell")
def test_a_name_with_an_umlaut_is_read_as_nssm_writes_it(tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes("ACME\\jörg\r\n".encode("utf-16-le"))
    assert answer(("cat", str(tmp_path / "said"))) == (0, "ACME\\jörg")
