from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_desk import Desk
from tests.keyrings import MemoryKeyring, in_memory

ORIGIN = "Rainbow's administration (settings.company.password)"


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


def counting(answered: dict[str, Any], name: str) -> list[tuple[str, bool]]:
    [places] = [each["places"] for each in answered["secrets"] if each["name"] == name]
    return [(place["kind"], place["has"]) for place in places if place["counts"]]


async def test_what_rainbow_s_administration_gives_counts_where_this_machine_has_nothing(ring: MemoryKeyring) -> None:
    desk = Desk(Settings, entered=lambda: {"exchange.password": ORIGIN, "exchange.url": "elsewhere"})
    assert counting(await desk.look(), "exchange.password") == [("rainbow", True)]
    assert counting(await desk.look(), "rainbow.password") == [("keyring", False)]

    ring.set_password("rainbow-exchange", "exchange.password", "p")
    assert counting(await desk.look(), "exchange.password") == [("keyring", True)]
    done = await desk.take_out("exchange.password")
    assert [place["where"] for place in done["places"] if place["has"]] == [ORIGIN]


async def test_settings_that_cannot_be_read_anew_do_not_keep_a_secret_from_being_kept(
    ring: MemoryKeyring, tmp_path: Path
) -> None:
    """As where they name a file that is to be written by this very call."""
    used: list[bool] = []
    file = tmp_path / "pw"

    async def use() -> None:
        used.append(file.exists())
        if not file.exists():
            raise UserError([f"exchange.password_file: {file} cannot be read."])

    settings = Settings.model_validate({"exchange": {"username": "a", "password_file": file}})
    done = await Desk(lambda: settings, use).put("exchange.password", "p")

    assert (done["kept"], done["where"], done["remark"], used) == ("file", str(file), "", [False, True])
    assert file.read_text() == "p"
    done = await Desk(lambda: settings, use).take_out("exchange.password")
    assert done["remark"] == f"exchange.password_file: {file} cannot be read."
    assert ring.stored == {}


@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        {"do": "fly"},
        {"do": "set", "name": "exchange.password"},
        {"do": "set", "name": "exchange.password", "value": 1},
        {"do": "set", "name": "log.level", "value": "x"},
        {"do": "unset", "name": "exchange.url"},
    ],
)
async def test_what_is_not_understood_is_refused(asked: object) -> None:
    with pytest.raises(ValueError, match="nothing that can be done"):
        await Desk(Settings).answer(asked)
