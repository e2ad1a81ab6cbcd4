from pathlib import Path

import pytest

from rainbow_exchange.installation.layout import Installed, Layout, Service, after_going_back
from rainbow_exchange.installation.refused import RefusedError


def test_what_is_in_use_is_read_as_it_was_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.installed() == Installed()
    used = Installed(
        current="0.2.0",
        previous="0.1.0",
        service=Service(name="connector", account="ACME\\svc$", nssm="C:\\nssm.exe"),
        config="/etc/connector.toml",
    )
    layout.use(used)
    assert layout.installed() == used
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"current": "0.1.0", "service": {"who": 1}}', "\udcff"])
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "installed.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(RefusedError, match=r"installed\.json cannot be read"):
        Layout(tmp_path).installed()


def test_the_command_leads_to_the_version_in_use(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for version in ("0.1.0", "0.2.0"):
        program = layout.program(version)
        program.parent.mkdir(parents=True)
        program.write_text(version)
        layout.use(Installed(current=version))
        assert (tmp_path / "rainbow-exchange").read_text() == version


def test_a_version_is_no_way_out_of_the_folder(tmp_path: Path) -> None:
    for version in ("../other", "0.1/../..", "", ".."):
        with pytest.raises(RefusedError):
            Layout(tmp_path).folder(version)


def test_only_the_two_last_versions_are_kept(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for version in ("0.1.0", "0.2.0", "0.3.0"):
        layout.folder(version).mkdir()
        layout.set_whole(version)
    (tmp_path / "notes").mkdir()
    assert layout.remove_others(Installed(current="0.3.0", previous="0.2.0")) == ["0.1.0"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.2.0", "0.3.0", "notes"]


def test_after_going_back_the_version_left_can_be_tried_again() -> None:
    before = Installed(current="0.2.0", previous="0.1.0", service=Service())
    after = after_going_back(before)
    assert (after.current, after.previous, after.service) == ("0.1.0", "0.2.0", Service())
