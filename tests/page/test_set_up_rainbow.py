"""Granting access on the page, against the lab's Rainbow and Exchange: what is said, asked, made and taken back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import html

from rainbow_exchange import config, credentials
from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.administrator import Administrator, Stranger
from tests.checking import real_time
from tests.house import House, until, virtually
from tests.keyrings import MemoryKeyring, in_memory
from tests.page.formfiller import FormFiller, form_filler

RAINBOW, GIVEN = "set_up_rainbow", "set_up_given"


class Bare(House):
    """A machine on which nothing is set but what a test writes into `own`, as TOML; its keyring is in memory."""

    def __init__(self, folder: Path, people: int = 2, **more: Any) -> None:
        super().__init__(folder, people, **more)
        self.own = ""
        self.sign_in = ""

    def read(self) -> tuple[Settings, Secrets]:
        file = self.folder / "config.toml"
        file.write_text(f"{self.own}\n[web]\nport = 0\n[state]\npath = '{self.folder}'\n")
        settings = config.load(file)
        return settings, credentials.resolve(settings)

    def observe(self, event: str, /, **values: Any) -> None:
        super().observe(event, **values)
        if event == "serving":
            self.sign_in = values["sign_in"]

    @asynccontextmanager
    async def page(self) -> AsyncIterator[FormFiller]:
        """Run everything; somebody has opened the page."""
        async with self.open():
            self.start()
            await until(lambda: self.sign_in, within=30)
            async with form_filler(self.sign_in) as page:
                yield await page.go("/set-up")

    def typed(self, **changes: str) -> dict[str, str]:
        rainbow = self.rainbow
        return {
            "login": rainbow.login,
            "password": rainbow.password,
            "app_id": rainbow.app_id,
            "app_secret": rainbow.app_secret,
            "url": rainbow.url,
        } | changes

    def calls(self, part: str) -> list[str]:
        return [key for key in self.rainbow.record.counts if part in key]


class OnRealTime(Bare):
    """The same on the real clock: what an HTTP server dates its answers by."""

    clock = staticmethod(real_time)


async def shown(page: FormFiller, words: str, *, part: str = RAINBOW) -> None:
    """Look at the page until this can be read there."""
    for _ in range(40):
        if words in (await page.go("/set-up")).text(part):
            return
        await asyncio.sleep(1)
    pytest.fail(f"{words!r} is not said, but {page.text(part)!r}")


async def signed_in(page: FormFiller, house: Bare) -> None:
    """Sign in, and grant access."""
    assert await page.press("Sign in to Rainbow", **house.typed()) == 200
    await shown(page, "Grant access to the connector?")
    await page.press("Grant access")
    await shown(page, "The connector runs as ldap_")


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


def test_what_will_be_made_is_said_first_and_then_made(tmp_path: Path, ring: MemoryKeyring) -> None:
    async def test() -> None:
        house = Bare(tmp_path)
        async with house.page() as page:
            said = page.text(RAINBOW)
            for part in (
                "one connector user of your company",
                "Your own password, or the token that you paste, is used for this sign-in only. It is kept nowhere.",
                "https://developers.openrainbow.com",
                "Your company has a connector already?",
                "Your company uses single sign-on (SSO)?",
            ):
                assert part in said
            assert page.text(GIVEN) == ""

            await page.press("Sign in to Rainbow", **house.typed())
            await shown(page, "Grant access to the connector?")
            assert "In the company Acme, Rainbow will now create a connector user." in page.text(RAINBOW)
            assert house.calls("activate") == []
            assert page.page.xpath("//section[@id='set_up_rainbow']//input[@type='password']") == []

            await page.press("Grant access")
            await shown(page, "The connector runs as ldap_")
            assert "A connector user that this installation had Rainbow make" in page.text(RAINBOW)
            assert "Made by the sign-in to Rainbow on 2026-03-02." in page.text(RAINBOW)
            assert "Log out of Rainbow" in page.text(RAINBOW)
            await shown(page, "Connected")
            # the part for Exchange is there now
            await shown(page, "The connector takes the Exchange settings from Rainbow", part=GIVEN)
            assert "Rainbow gives none: enter them in step 3." in page.text(GIVEN)
            source = html.tostring(page.page, encoding="unicode")
            # what Rainbow does not take any more is mended by signing in again
            house.rainbow.people.remove(house.rainbow.people.connectors()[0].id)
            await page.press("Close this message", part=RAINBOW)
            await signed_in(await page.go("/set-up"), house)
            assert "is not at Rainbow any more" in page.text(RAINBOW)
            for secret in ("Secret#1", "appsecret1", ring.stored["rainbow-exchange", "rainbow.password"]):
                assert secret not in source

    virtually(test)


def test_a_connector_of_the_company_is_explained_taken_over_and_let_go_again(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    async def test() -> None:
        house = Bare(tmp_path)
        async with house.page() as page:
            house.rainbow.dials.set({"existing_connector": True, "second_activation": "renew"})
            await page.press("Sign in to Rainbow", **house.typed())
            await shown(page, "The company has a connector that was not made here: AD/LDAP connector")
            assert "it was left alone" in page.text(RAINBOW)
            assert page.buttons(RAINBOW) == [
                "Run as this account itself",
                "Ask for a connector all the same …",
                "Leave it",
            ]
            stale = page.page
            await page.press("Ask for a connector all the same …")
            await shown(page, "the directory is not synchronised")
            assert house.calls("activate") == []
            fresh, page.page = page.page, stale
            assert await page.press("Ask for a connector all the same …") == 422  # it is not asked any more
            page.page = fresh

            await page.press("Yes, do that")
            await shown(page, "The connector runs as ldap_")
            assert "A connector user that was there before, and was taken over" in page.text(RAINBOW)
            assert "logout will not remove it" in page.text(RAINBOW)

            assert await page.press("Log out") == 422  # not without being sure
            await page.go("/set-up")
            await page.press("Log out", sure="yes")
            await shown(page, "Forgotten on this machine")
            assert "it stays at Rainbow" in page.text(RAINBOW)
            assert ring.stored == {}
            assert "Sign in to Rainbow" in page.buttons(RAINBOW)
            assert [key for key in house.calls("connectors/ldaps/") if key.startswith("DELETE")] == []

    virtually(test)


def test_with_single_sign_on_a_token_is_pasted_and_one_of_several_companies_chosen(tmp_path: Path) -> None:
    async def test() -> None:
        house = Bare(tmp_path)
        async with house.page() as page:
            other = {"id": "5f00000000000000000000c2", "name": "Other"}
            house.rainbow.dials.set(
                {
                    "login_urls": [{"type": "SAML"}],
                    "administrator_roles": ["admin", "bp_admin"],
                    "managed_companies": [other],
                }
            )
            await page.press("Sign in to Rainbow", **house.typed())
            await shown(page, "signs in by single sign-on (SAML), so that no password was sent.")
            assert page.buttons(RAINBOW) == ["Try the password all the same", "Leave it"]
            await page.press("Leave it")
            await shown(page, "Either paste a token")
            [folded] = page.page.xpath("//details[@id='rainbow-sso']")
            assert folded.get("open") is not None
            assert page.page.get_element_by_id("rainbow-app-id").get("value") == "app1"

            async with (
                aiohttp.ClientSession() as client,
                client.post(f"{house.rainbow.url}/lab/tokens", json={}) as told,
            ):
                token = (await told.json())["token"]
            await page.press("Sign in to Rainbow", **house.typed(login="", password="", token=token))
            await shown(page, "Grant access to the connector?")
            await page.press("Leave it")
            await shown(page, "Nothing was made at Rainbow.")

            house.rainbow.dials.set({"login_urls": []})
            await page.press("Sign in to Rainbow", **house.typed())
            await shown(page, "This account manages more than one company")
            assert "Acme 5f00000000000000000000c1 Other 5f00000000000000000000c2" in page.text(RAINBOW)
            await page.press("Go on with this company", answer="5f00000000000000000000c1")
            await shown(page, "Grant access to the connector?")
            assert house.calls("activate") == []
            assert token not in html.tostring(page.page, encoding="unicode")

            # left open: it does not keep the daemon from stopping in order

    virtually(test)


def test_what_settings_give_is_shown_and_not_to_be_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PASSWORD", "Secret#1")

    async def test() -> None:
        house = Bare(tmp_path)
        async with house.open():
            rainbow = house.rainbow
            house.own = f'[rainbow]\nurl = "{rainbow.url}"\nlogin = "{rainbow.login}"'
            house.start()
            await until(lambda: house.sign_in, within=30)
            async with form_filler(house.sign_in) as page:
                await page.go("/set-up")
                said = f"Given by the file {tmp_path / 'config.toml'}: change it there. The connector runs"
                assert said in page.text(RAINBOW)
                fixed = [each.get("name") for each in page.page.iter("input") if each.get("disabled") is not None]
                assert [name for name in fixed if name in house.typed()] == ["login", "password", "url"]
                assert "Secret#1" not in html.tostring(page.page, encoding="unicode")

                await page.press("Sign in to Rainbow", app_id="app1", app_secret="appsecret1")
                await shown(page, "The connector runs as connector@acme.test.")
                assert "An administrator's account itself." in page.text(RAINBOW)
                assert house.calls("activate") == []
                await page.press("Log out", sure="yes")
                await shown(page, "Forgotten on this machine")

    virtually(test)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": ""}, "The password is missing; or paste a token."),
        ({"login": ""}, "The login of a company administrator is missing."),
        ({"token": "eyJ", "as_account": "yes"}, "To run as an account itself its password is needed"),
        ({"app_id": ""}, "The application id is missing."),
        ({"app_secret": "a\x00b"}, "holds a NUL character"),
        ({"url": "http://rainbow.acme.test"}, "The address of Rainbow's server"),
    ],
)
def test_what_is_missing_or_faulty_is_said_and_nobody_is_asked(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    async def test() -> None:
        house = Bare(tmp_path)
        async with house.page() as page:
            await page.press("Sign in to Rainbow", **house.typed(**changes))
            assert said in page.text(RAINBOW)
            typed = page.page.get_element_by_id("rainbow-app-id").get("value")
            assert typed == changes.get("app_id", "app1")  # it need not be typed again
            assert house.rainbow.record.counts == {}

    virtually(test)


@pytest.mark.parametrize("kept", ["PASSWORD", "APP_SECRET"])
def test_what_is_kept_for_one_server_of_rainbow_goes_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    monkeypatch.setenv(f"RAINBOW_EXCHANGE_RAINBOW__{kept}", "Secret#1")

    async def test() -> None:
        house = Bare(tmp_path)
        house.own = '[rainbow]\nlogin = "ada@acme.test"'
        async with house.page() as page:
            given = {"login", kept.lower()}
            typed = {name: value for name, value in house.typed().items() if name not in given}
            await page.press("Sign in to Rainbow", **typed)
            assert "that is kept goes to no other server" in page.text(RAINBOW)
            assert house.rainbow.record.counts == {}

    virtually(test)


def test_a_host_that_rainbow_alone_names_is_told_no_password_before_it_is_confirmed(tmp_path: Path) -> None:
    async def test() -> None:
        house = Bare(tmp_path)
        async with house.page() as page, Stranger().open() as stranger:
            house.own = '[exchange]\nusername = "svc-rainbow"\npassword_file = "pw"'
            (tmp_path / "pw").write_text("Exchange#1")
            assert house.daemon is not None
            await house.daemon.reload()
            administrator = Administrator(house.rainbow)
            await administrator.exchange(url=stranger.url)
            await signed_in(page, house)

            await shown(page, "Is 127.0.0.1 your Exchange?", part=GIVEN)
            assert "could have its password sent anywhere" in page.text(GIVEN)
            assert stranger.requests == []

            before = page.page
            await administrator.exchange(url=house.exchange.url.replace("127.0.0.1", "localhost"))
            house.daemon.retry(None)
            await shown(page, "Is localhost your Exchange?", part=GIVEN)
            fresh, page.page = page.page, before
            assert await page.press("Yes, 127.0.0.1 is our Exchange") == 422  # Rainbow names another one by now
            page.page = fresh
            await page.press("Yes, localhost is our Exchange")
            await until(lambda: house.status()["exchange"]["state"] == "connected", within=60)
            assert {"name": "exchange.allowed_hosts", "value": "localhost", "origin": "page of 2026-03-02"} in [
                each | {"value": str(each["value"]).strip("[]('),\"")} for each in house.status()["settings"]
            ]
            assert stranger.requests == []

            await administrator.switch("disabled")
            house.daemon.retry(None)
            await shown(page, "Exchange Calendar Synchronization is switched off there", part=GIVEN)

    virtually(test)


async def test_what_rainbow_gives_is_shown_with_its_place_and_tested_by_itself_once(tmp_path: Path) -> None:
    house = OnRealTime(tmp_path, right=Right.REVIEWER)
    async with house.page() as page:
        assert house.daemon is not None
        administrator = Administrator(house.rainbow)
        await administrator.exchange(url=house.exchange.url, login="svc-rainbow", password="Exchange#1")
        await signed_in(page, house)

        await shown(page, "has passed the test, and is in use.", part=GIVEN)
        said = page.text(GIVEN)
        assert f"Endpoint {house.exchange.url} settings.company.url yes" in said
        assert "Password set, in memory only settings.company.password yes" in said
        assert "It was tried with the mailbox of" in said
        for step in ("Signing in to Exchange", "Subscription", "First answer of a stream", "Automatic reply"):
            assert f"Passed {step}" in said
        assert "Exchange#1" not in html.tostring(page.page, encoding="unicode")

        began = said
        await asyncio.sleep(1)
        assert (await page.go("/set-up")).text(GIVEN) == began  # once
        await administrator.exchange(password="another")
        house.daemon.retry(None)
        await shown(page, "has failed the test. It stays in use, and is tried on.", part=GIVEN)
        assert "Failed Signing in to Exchange" in page.text(GIVEN)
