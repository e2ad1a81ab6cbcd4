"""What keeps the connector from coming to work at all, brought about by the lab, and what `check` says of it."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rainbow_exchange.cli import check_screen
from rainbow_exchange.lab.tls import LabAuthority
from tests.checking import Bench, bench, check, real_time
from tests.troubleshooting.symptoms import Symptom


async def checked(
    symptom: Symptom,
    folder: Path,
    *,
    begins: Callable[[Bench], object] | None = None,
    command: str = "check",
    asked: Callable[[Bench], dict[str, Any]] | None = None,
    **house: Any,
) -> None:
    """Let a company `begin` like this: the check says what the page says."""
    company = bench(folder, **house)
    if begins:
        begins(company)
    async with company.open():
        found = await check(company, **(asked(company) if asked else {}))
    lines = itertools.chain.from_iterable(check_screen.lines(each, width=25) for each in found.values())
    symptom.led_to_by(command, [*lines, check_screen.last(list(found.values()))])


def other(house: Bench) -> str:
    return next(iter(house.exchange.directory.by_address))


async def test_nothing_works_and_nobody_knows_where_to_begin(tmp_path: Path, symptom: Symptom) -> None:
    await checked(symptom, tmp_path, dials={"web_server_status": 404})


async def test_something_in_between_opens_what_goes_to_exchange(tmp_path: Path, symptom: Symptom) -> None:
    authority = LabAuthority(tmp_path)
    tls = authority.server_context(kind="intercepted")
    await checked(symptom, tmp_path, tls=tls, ca_file=authority.ca_file)


async def test_the_clock_of_this_machine_is_wrong(tmp_path: Path, symptom: Symptom) -> None:
    def begins(house: Bench) -> None:
        house.clock = lambda: real_time() + timedelta(minutes=20)

    await checked(symptom, tmp_path, begins=begins)


async def test_rainbow_lets_nobody_in_by_password(tmp_path: Path, symptom: Symptom) -> None:
    def begins(house: Bench) -> None:
        house.rainbow.dials.set({"refuse_logins": True, "login_urls": [{"type": "SAML"}]})

    await checked(symptom, tmp_path, begins=begins)


async def test_rainbow_s_link_is_refused_and_all_else_works(tmp_path: Path, symptom: Symptom) -> None:
    await checked(symptom, tmp_path, begins=lambda house: house.rainbow.dials.set({"refuse_xmpp_logins": True}))


async def test_the_account_can_read_more_than_it_is_to(tmp_path: Path, symptom: Symptom) -> None:
    await checked(
        symptom, tmp_path, command="check --must-refuse ADDRESS", asked=lambda house: {"must_refuse": [other(house)]}
    )
