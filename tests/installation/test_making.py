from pathlib import Path

import pytest

from rainbow_exchange.installation import making
from rainbow_exchange.installation.refused import RefusedError

NAME = "rainbow_exchange-0.2.0-py3-none-any.whl"


def test_the_wheel_in_a_folder_says_its_version(tmp_path: Path) -> None:
    (tmp_path / "aiohttp-3.14.5-cp313-cp313-win_amd64.whl").touch()
    (tmp_path / NAME).touch()
    wheel = making.only_wheel(tmp_path)
    assert (wheel.name, making.version_of(wheel)) == (NAME, "0.2.0")


def test_a_folder_with_none_or_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="there is no folder"):
        making.only_wheel(tmp_path / "wheels")
    with pytest.raises(RefusedError, match="holds none"):
        making.only_wheel(tmp_path)
    (tmp_path / NAME).touch()
    (tmp_path / "rainbow_exchange-0.1.0-py3-none-any.whl").touch()
    with pytest.raises(RefusedError, match=r"0\.1\.0-py3-none-any\.whl, rainbow_exchange-0\.2\.0"):
        making.only_wheel(tmp_path)


def test_what_is_no_wheel_of_ours_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "aiohttp-3.14.5-py3-none-any.whl"
    other.touch()
    for file in (other, tmp_path / NAME):
        with pytest.raises(RefusedError, match="no wheel of rainbow-exchange"):
            making.version_of(file)


def test_a_folder_says_for_which_pythons_it_is(tmp_path: Path) -> None:
    assert making.fitting(tmp_path) is None  # gathered by hand
    (tmp_path / "python-3.11.txt").touch()
    (tmp_path / "python-3.13.txt").touch()
    assert making.fitting(tmp_path) == frozenset({(3, 11), (3, 13)})
