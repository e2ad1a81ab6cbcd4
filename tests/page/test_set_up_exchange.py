"""Setting Exchange up on the page, against the lab: each step failing once, with its cause and what to do."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.lab.tls import LabAuthority
from rainbow_exchange.state import made
from tests.administrator import Administrator
from tests.checking import left
from tests.house import until
from tests.keyrings import MemoryKeyring, in_memory
from tests.page.formfiller import FormFiller, words
from tests.page.signed_in import SignedIn

FORM, TEST, FIND = "set_up_exchange", "set_up_exchange_trial", "set_up_find_trial"
SAVE, ONLY = "Test and save Exchange", "Test Exchange only"
TITLES = [
    "Where Exchange is",
    "Proxy to Exchange",
    "Name of Exchange",
    "Connection to Exchange",
    "Certificate of Exchange",
    "Clock of Exchange",
    "Signing in to Exchange",
    "Version of Exchange",
    "Mailbox",
    "Acting for the mailbox's owner",
    "Subscription",
    "First answer of a stream",
    "Appointments",
    "Automatic reply",
]


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


def on_the_page(
    test: Callable[[SignedIn, FormFiller], Awaitable[None]], folder: Path, *, own: str = "", **more: Any
) -> None:
    """Do this as somebody who looks at the page of a machine at work, whose settings file has `own`."""

    async def whole() -> None:
        house = SignedIn(folder, **more)
        house.own = own
        async with house.page() as page:
            await until(lambda: house.daemon is not None and house.daemon.sides.rainbow is not None, within=30)
            await page.go("/set-up")
            await test(house, page)

    asyncio.run(whole())  # Exchange's web server tells the real time


def steps(page: FormFiller, part: str = TEST) -> dict[str, str]:
    """Give the verdict of each step by its title."""
    found = page.page.get_element_by_id(part).xpath(".//ol[@class='steps']/li")
    return {words(each.xpath("./div/strong")[0]): words(each.xpath("./span")[0]) for each in found}


def lines(page: FormFiller) -> str:
    """Give what stands in the boxes that are there to be copied."""
    return "\n".join(each.text_content() for each in page.page.get_element_by_id(TEST).xpath(".//pre/code"))


def test_exchange_is_set_up_and_in_use_at_once(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def test(house: SignedIn, page: FormFiller) -> None:
        assert "https://webmail.acme.test/EWS/Exchange.asmx" in page.about("Endpoint")
        assert await page.press(SAVE, **house.exchange_typed()) == 200
        assert set(steps(page)) == set(TITLES)  # those to come, too
        said = await house.tested(page, TEST)

        assert "What was entered is saved, and in use." in said
        assert list(steps(page)) == TITLES
        assert set(steps(page).values()) == {"Passed", "Skipped"}
        assert ring.stored == {("rainbow-exchange", "exchange.password"): "Exchange#1"}
        await until(lambda: house.status()["exchange"]["state"] == "connected", within=60)
        assert page.box("Endpoint").get("value") == house.exchange.url
        assert re.search(r"Entered on this page on \d{4}-\d\d-\d\d\.$", page.about("Endpoint"))
        assert "Kept in the keyring of" in page.about("Password")
        assert page.box("Password").get("value") == ""
        assert "Exchange#1" not in str(page.page.text_content())

        await page.press(ONLY)  # with the password that is kept
        assert "It was a test only: nothing was saved." in await house.tested(page, TEST)
        assert steps(page)["Signing in to Exchange"] == "Passed"
        assert "No mailbox was named" in page.text(TEST)

    on_the_page(test, tmp_path)


def test_each_step_fails_once_and_says_why_and_what_to_do(tmp_path: Path) -> None:
    async def test(house: SignedIn, page: FormFiller) -> None:
        ada = house.people[0].login_email
        cases: list[tuple[dict[str, Any], dict[str, str], str, str, str]] = [
            (
                {},
                {"exchange_url": "https://mail.acme.invalid/EWS/Exchange.asmx"},
                "Name of Exchange",
                "is not known",
                "",
            ),
            ({}, {"exchange_url": "http://127.0.0.1:1/EWS/Exchange.asmx"}, "Connection to Exchange", "accepts", ""),
            ({}, {"exchange_proxy_url": "http://127.0.0.1:1"}, "Proxy to Exchange", "No connection to the proxy", ""),
            ({}, {"exchange_password": "Wrong#1"}, "Signing in to Exchange", "refuses", ""),
            ({"web_server_status": 403}, {}, "Signing in to Exchange", "HTTP 403", "Set-CASMailbox"),
            ({}, {"mailbox": "nobody@acme.test"}, "Mailbox", "Exchange knows no mailbox", ""),
            (
                {"impersonation": False},
                {},
                "Subscription",
                f"does not let the service account act for the user: {ada}",
                "-Role 'ApplicationImpersonation' -User 'svc-rainbow'",
            ),
            (
                {"faults": {"Subscribe": "ErrorExceededSubscriptionCount"}},
                {},
                "Subscription",
                "no further sub",
                "Set-ThrottlingPolicy",
            ),
            (
                {"faults": {"GetStreamingEvents": "ErrorExceededConnectionCount"}},
                {},
                "First answer of a stream",
                "ErrorExceededConnectionCount",
                "Set-ThrottlingPolicy",
            ),
            ({"availability_errors": {ada: "ErrorMailRecipientNotFound"}}, {}, "Appointments", ada, ""),
        ]
        start = house.exchange.dials.shown()
        for dials, typed, step, said, typed_there in cases:
            house.exchange.dials.turn(start | dials)
            await page.press(SAVE, **house.exchange_typed(**typed))
            shown = await house.tested(page, TEST)
            assert steps(page)[step] == "Failed", (step, shown)
            assert said in shown, shown
            assert "What to do:" in shown
            assert typed_there in lines(page)
            assert "Nothing was saved." in shown
            assert page.box("Account").get("value") == "svc-rainbow"  # what was typed stays
            assert left(house) == 0
        assert "exchange.url" not in made.beside(house.folder)

    on_the_page(test, tmp_path)


def test_a_certificate_that_is_refused_is_shown_with_its_chain(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    (tmp_path / "state").mkdir()

    async def test(house: SignedIn, page: FormFiller) -> None:
        await page.press(SAVE, **house.exchange_typed(exchange_ca_file=str(authority.ca_file)))
        await house.tested(page, TEST)

        assert steps(page)["Certificate of Exchange"] == "Failed"
        assert steps(page)["Signing in to Exchange"] == "Not run"
        [table] = page.page.get_element_by_id(TEST).iter("table")
        rows = [[words(cell) for cell in row.iter("td")] for row in table.iter("tr")][1:]
        assert [row[1] for row in rows] == ["Lab Issuing CA", "Lab Root CA"]
        assert all(len(row) == 4 and row[2] and row[3] for row in rows)

    on_the_page(test, tmp_path / "state", tls=authority.server_context(kind="other-name"))


def test_what_is_wrong_is_said_at_its_box_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    async def test(house: SignedIn, page: FormFiller) -> None:
        typed = {"exchange_url": "http://mail.acme.test/EWS", "exchange_ca_file": "ca.pem", "mailbox": "ada@acme.test"}
        await page.press(SAVE, **house.exchange_typed(**typed))
        assert page.part == FORM
        assert page.about("File with certificates to trust").startswith("Write the whole path of the file")
        await page.press(SAVE, **house.exchange_typed(**typed | {"exchange_ca_file": r"\\evil.test\share\ca.pem"}))
        assert page.about("File with certificates to trust").startswith("Copy the file to the connector's machine")
        await page.press(SAVE, **house.exchange_typed(**typed | {"exchange_ca_file": ""}))
        assert "would send credentials unencrypted" in page.about("Endpoint")
        assert page.box("Endpoint").get("aria-invalid") == "true"
        assert page.box("Endpoint").get("value") == "http://mail.acme.test/EWS"
        assert page.box("Test mailbox").get("value") == "ada@acme.test"
        assert steps(page) == {}
        await page.press("Find the endpoint", **house.exchange_typed(mailbox="nobody"))
        assert page.about("Test mailbox").startswith("Write the address of a mailbox")

    on_the_page(test, tmp_path)


def test_a_secret_that_is_kept_goes_to_no_other_server(tmp_path: Path, ring: MemoryKeyring) -> None:
    ring.set_password("rainbow-exchange", "exchange.password", "Exchange#1")

    async def test(house: SignedIn, page: FormFiller) -> None:
        await page.press(SAVE, **house.exchange_typed())
        assert "is saved" in await house.tested(page, TEST)
        seen = len(house.exchange.record.read())
        url = house.exchange.url.replace("127.0.0.1", "localhost")
        await page.press(SAVE, exchange_url=url)
        assert page.about("Password").startswith("exchange.password is kept for 127.0.0.1:")
        assert "Running" not in page.text(TEST)
        assert seen <= len(house.exchange.record.read())
        await page.press(SAVE, exchange_url=url, exchange_password="Exchange#1")
        assert "is saved" in await house.tested(page, TEST)

    on_the_page(test, tmp_path)


def test_what_stands_in_the_settings_file_is_shown_and_not_changed_here(tmp_path: Path) -> None:
    own = "[exchange]\nusername = 'svc-rainbow'\nimpersonation = true\n"

    async def test(house: SignedIn, page: FormFiller) -> None:
        assert "Account exchange.username COMPANY" in page.text(FORM)
        account = page.box("Account")
        assert (account.get("value"), account.get("disabled")) == ("svc-rainbow", "disabled")
        file = tmp_path / "config.toml"
        assert page.about("Account").endswith(f"Given by the file {file}: change it there.")
        typed = house.exchange_typed()
        del typed["exchange_username"]
        await page.press(SAVE, **typed)
        assert "is saved" in await house.tested(page, TEST)
        assert set(made.beside(house.folder)) == {"exchange.url"}
        await page.press("Forget what was entered here")
        assert page.box("Endpoint").get("value") == ""

    on_the_page(test, tmp_path, own=own)


def test_who_signs_in_at_a_proxy_that_the_settings_file_gives_is_not_typed_here(tmp_path: Path) -> None:
    own = "[exchange]\nproxy_url = 'http://proxy.acme.test:8080'\n"

    async def test(_house: SignedIn, page: FormFiller) -> None:
        for label in ("Address of the proxy", "User name at the proxy", "Password at the proxy"):
            assert page.box(f"{label} to Exchange").get("disabled") == "disabled"

    on_the_page(test, tmp_path, own=own)


def test_exchange_is_found_by_an_address_and_put_into_the_form(tmp_path: Path) -> None:
    async def test(house: SignedIn, page: FormFiller) -> None:
        at = house.exchange.url.removesuffix("/EWS/Exchange.asmx")
        typed = house.exchange_typed(exchange_autodiscover_url=f"{at}/autodiscover/autodiscover.svc", exchange_url="")
        await page.press("Find the endpoint", **typed)
        assert page.part == FIND
        await house.tested(page, FIND)
        assert steps(page, FIND) == {"Where Exchange is": "Passed"}
        await page.press("Put this endpoint into the form", part=FIND)
        assert page.box("Endpoint").get("value") == house.exchange.url
        assert page.box("Account").get("value") == "svc-rainbow"

    on_the_page(test, tmp_path)


def test_a_test_can_be_stopped(tmp_path: Path) -> None:
    async def test(house: SignedIn, page: FormFiller) -> None:
        await page.press(SAVE, **house.exchange_typed())
        assert page.part == TEST
        await page.press("Stop the test", part=TEST)
        assert page.part == TEST
        assert "The test was stopped. Nothing was saved." in await house.tested(page, TEST)
        await until(lambda: left(house) == 0, within=30)

    on_the_page(test, tmp_path, dials={"delay_seconds": 60.0, "delay_operations": ["GetStreamingEvents"]})


def test_what_rainbow_gives_is_shown_and_does_not_become_this_machine_s(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def test(house: SignedIn, page: FormFiller) -> None:
        await Administrator(house.rainbow).exchange(url=house.exchange.url, login="svc-rainbow", password="Exchange#1")
        assert house.daemon is not None
        house.daemon.retry(None)
        await until(lambda: house.status()["exchange"]["state"] == "connected", within=60)
        await page.go("/set-up")
        assert page.box("Endpoint").get("value") == house.exchange.url
        assert page.about("Endpoint").endswith("Given by Rainbow's administration (settings.company.url).")
        assert page.box("Password").get("value") == ""

        await page.press(SAVE, mailbox=house.people[0].login_email)
        assert "has passed" in await house.tested(page, TEST)
        assert (made.beside(house.folder), ring.stored) == ({}, {})
        await page.press(SAVE, exchange_impersonation="")
        await house.tested(page, TEST)
        assert {key: each.value for key, each in made.beside(house.folder).items()} == {"exchange.impersonation": False}

    on_the_page(test, tmp_path)
