"""Setting the proxy to Rainbow up on the page, through a real one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from rainbow_exchange.state import made
from tests.keyrings import MemoryKeyring, in_memory
from tests.network.conftest import SmallProxy
from tests.page.signed_in import SignedIn

TEST = "set_up_proxy_trial"
SAVE = "Test and save the proxy"


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


async def test_a_proxy_is_tried_kept_and_taken_back(tmp_path: Path, ring: MemoryKeyring) -> None:
    proxy = SmallProxy(account=("joe", "pw"))
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    house = SignedIn(tmp_path)
    try:
        async with house.page() as page:
            typed = {"rainbow_proxy_url": proxy.url, "rainbow_proxy_username": "joe"}
            await page.press(SAVE, **typed, rainbow_proxy_password="wrong")
            said = await house.tested(page, TEST)
            assert "Nothing was saved." in said
            assert "What to do:" in said
            assert page.box("Address of the proxy").get("value") == proxy.url
            assert page.box("Password at the proxy").get("value") == ""
            assert ring.stored == {}

            await page.press(SAVE, **typed, rainbow_proxy_password="pw")
            assert "What was entered is saved, and in use." in await house.tested(page, TEST)
            assert ring.stored == {("rainbow-exchange", "rainbow.proxy_password"): "pw"}
            assert {key: each.value for key, each in made.beside(tmp_path).items()} == {
                "rainbow.proxy_url": proxy.url,
                "rainbow.proxy_username": "joe",
            }
            assert "Kept in the keyring of" in page.about("Password at the proxy")

            await page.press("Test the way to Rainbow only")  # by the password that is kept
            assert f"The proxy 127.0.0.1:{proxy.port} leads to" in await house.tested(page, TEST)
            assert ring.stored == {("rainbow-exchange", "rainbow.proxy_password"): "pw"}

            await page.press("Use no proxy")
            assert (ring.stored, made.beside(tmp_path)) == ({}, {})
            assert page.box("Address of the proxy").get("value") == ""
    finally:
        server.close()
        await proxy.stop()


async def test_an_address_with_who_signs_in_is_a_secret_that_never_comes_back(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    proxy = SmallProxy(account=("joe", "Qx7z"))
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    house = SignedIn(tmp_path)
    try:
        async with house.page() as page:
            url = f"http://joe:Qx7z@127.0.0.1:{proxy.port}"
            await page.press(SAVE, rainbow_proxy_url=url)
            assert "is saved" in await house.tested(page, TEST)
            assert ring.stored == {("rainbow-exchange", "rainbow.proxy_url"): url}
            assert page.box("Address of the proxy").get("value") == f"http://***@127.0.0.1:{proxy.port}"
            assert "Qx7z" not in page.page.text_content()

            await page.press(SAVE)  # as it is shown: nothing changes
            assert "has passed" in await house.tested(page, TEST)
            assert ring.stored == {("rainbow-exchange", "rainbow.proxy_url"): url}
            await page.press(SAVE, rainbow_proxy_url="http://***@127.0.0.1:9")
            assert page.about("Address of the proxy").startswith("Type user name and password again")
    finally:
        server.close()
        await proxy.stop()
