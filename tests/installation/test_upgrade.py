"""The order of things, with versions whose programs are small scripts that note what they are asked, and may refuse."""

from pathlib import Path

import pytest

from rainbow_exchange.installation import upgrade
from rainbow_exchange.installation.layout import Installed, Layout, Service
from rainbow_exchange.installation.refused import FailedError, RefusedError

PROGRAM = """#!/bin/sh
echo "{version} $*" >> "{notes}"
case " {refuses} " in *" $1-$2 "*|*" $1 "*) echo "no $1 today" >&2; exit {code};; esac
case "$1" in --version) echo "rainbow-exchange {says}";; status) exit 1;; esac
"""
PYTHON = """#!/bin/sh
echo "{version} fit-state" >> "{notes}"
"""


class House:
    """A folder of versions, and what was asked of their programs."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder / "program")
        self.layout.root.mkdir()
        self.notes = folder / "notes"
        self.said: list[str] = []

    def put(self, version: str, *, refuses: str = "", says: str | None = None, code: int = 1) -> None:
        for name, text in (("rainbow-exchange", PROGRAM), ("python", PYTHON)):
            program = self.layout.program(version, name)
            program.parent.mkdir(parents=True, exist_ok=True)
            values = {"version": version, "notes": self.notes, "refuses": refuses, "says": says or version}
            program.write_text(text.format(**values, code=code))
            program.chmod(0o755)
        self.layout.set_whole(version)

    def install(self, version: str, *, service: Service | None = Service()) -> None:  # noqa: B008  (frozen)
        """Have it in use; it is there already, so that nothing is to be made."""
        wanted = Installed(current=version, service=service)
        upgrade.install(self.layout, wanted, self.never, self.teller())

    def never(self) -> None:
        pytest.fail("there is nothing to make")

    def teller(self) -> upgrade.Teller:
        return upgrade.Teller(say=self.said.append, start_within=0.0)

    def asked(self) -> list[str]:
        asked = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return asked

    def in_use(self) -> tuple[str | None, str | None]:
        installed = self.layout.installed()
        return installed.current, installed.previous


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_first_is_checked_registered_and_started(house: House) -> None:
    house.put("0.1.0")
    house.install("0.1.0")
    assert house.asked() == [
        "0.1.0 --version",
        "0.1.0 config check",
        "0.1.0 fit-state",
        "0.1.0 service install --name rainbow-exchange",
        "0.1.0 service start --name rainbow-exchange",
        "0.1.0 status",
    ]
    assert house.in_use() == ("0.1.0", None)
    assert house.said[-1] == "Version 0.1.0 is in use."


def test_an_upgrade_stops_the_old_one_only_when_the_new_one_is_checked(house: House) -> None:
    house.put("0.1.0")
    house.install("0.1.0")
    house.asked()
    house.put("0.2.0")
    house.install("0.2.0")
    asked = house.asked()
    assert asked[:3] == ["0.2.0 --version", "0.2.0 config check", "0.1.0 service stop --name rainbow-exchange"]
    assert asked[-3:] == [
        "0.2.0 service install --name rainbow-exchange",
        "0.2.0 service start --name rainbow-exchange",
        "0.2.0 status",
    ]
    assert house.in_use() == ("0.2.0", "0.1.0")


@pytest.mark.parametrize(("refuses", "code"), [("--version", 1), ("config-check", 2)])
def test_what_fails_its_check_leaves_the_old_one_running(house: House, refuses: str, code: int) -> None:
    house.put("0.1.0")
    house.install("0.1.0")
    house.asked()
    house.put("0.2.0", refuses=refuses, code=code)
    with pytest.raises(FailedError, match=f"ended with code {code}:\n    no "):
        house.install("0.2.0")
    assert not [asked for asked in house.asked() if "service" in asked]
    assert house.in_use() == ("0.1.0", None)


def test_a_wheel_that_holds_another_version_than_its_name_says_is_refused(house: House) -> None:
    house.put("0.2.0", says="0.1.0")
    with pytest.raises(FailedError, match=r"says that it is 'rainbow-exchange 0\.1\.0', not 0\.2\.0"):
        house.install("0.2.0")


@pytest.mark.parametrize("refuses", ["service-install", "service-start", "status"])
def test_what_does_not_start_has_the_old_one_back_by_itself(house: House, refuses: str) -> None:
    house.put("0.1.0")
    house.install("0.1.0")
    house.asked()
    house.put("0.2.0", refuses=refuses, code=3)
    with pytest.raises(FailedError, match=r"version 0\.2\.0 does not start; version 0\.1\.0 is in use again"):
        house.install("0.2.0")
    assert house.asked()[-5:] == [
        "0.2.0 service stop --name rainbow-exchange",
        "0.1.0 fit-state",
        "0.1.0 service install --name rainbow-exchange",
        "0.1.0 service start --name rainbow-exchange",
        "0.1.0 status",
    ]
    assert house.in_use() == ("0.1.0", None)
    assert (house.layout.root / "rainbow-exchange").readlink() == Path("0.1.0/bin/rainbow-exchange")


def test_one_may_go_back_and_forth(house: House) -> None:
    for version in ("0.1.0", "0.2.0"):
        house.put(version)
        house.install(version)
    upgrade.go_back(house.layout, house.teller())
    assert house.in_use() == ("0.1.0", "0.2.0")
    upgrade.go_back(house.layout, house.teller())
    assert house.in_use() == ("0.2.0", "0.1.0")


def test_the_third_takes_the_first_out(house: House) -> None:
    for version in ("0.1.0", "0.2.0", "0.3.0"):
        house.put(version)
        house.install(version)
    assert house.in_use() == ("0.3.0", "0.2.0")
    assert not house.layout.folder("0.1.0").exists()
    assert house.said[-1] == "Removed version 0.1.0."


def test_there_is_nothing_before_the_first(house: House) -> None:
    house.put("0.1.0")
    house.install("0.1.0")
    with pytest.raises(RefusedError, match="no version to go back to"):
        upgrade.go_back(house.layout, house.teller())


def test_nobody_goes_back_to_what_is_not_whole_any_more(house: House) -> None:
    for version in ("0.1.0", "0.2.0"):
        house.put(version)
        house.install(version)
    for file in house.layout.folder("0.1.0").iterdir():
        if file.is_file():
            file.unlink()
    house.asked()
    with pytest.raises(RefusedError, match="no version to go back to"):
        upgrade.go_back(house.layout, house.teller())
    assert (house.asked(), house.in_use()) == ([], ("0.2.0", "0.1.0"))


def test_the_same_version_again_registers_its_service_anew(house: House) -> None:
    for version in ("0.1.0", "0.2.0"):
        house.put(version)
        house.install(version)
    house.install("0.2.0", service=Service(account="ACME\\svc$"))
    assert house.in_use() == ("0.2.0", "0.1.0")
    assert "0.2.0 service install --name rainbow-exchange --account ACME\\svc$" in house.asked()


def test_without_a_service_none_is_touched(house: House) -> None:
    house.put("0.1.0")
    house.install("0.1.0", service=None)
    assert house.asked() == ["0.1.0 --version", "0.1.0 config check", "0.1.0 fit-state"]


def test_uninstalling_takes_the_service_out_and_the_program(house: House) -> None:
    house.put("0.1.0")
    house.install("0.1.0")
    house.asked()
    upgrade.uninstall(house.layout, house.teller())
    assert house.asked() == ["0.1.0 service uninstall --name rainbow-exchange"]
    assert [path.name for path in house.layout.root.iterdir()] == ["installed.json"]
    with pytest.raises(RefusedError, match="nothing is installed"):
        upgrade.uninstall(house.layout, house.teller())
