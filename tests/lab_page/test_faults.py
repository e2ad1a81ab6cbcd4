"""The panel of faults, on the served page."""

from typing import Any

from tests.lab_page.opened import Opened, opened, people, text

_SWITCHED_ON = "//li[@class='fault is-on']//p[@class='name']"


async def dials(page: Opened, side: str = "exchange") -> dict[str, Any]:
    base = page.lab.exchange.url.partition("/EWS")[0] if side == "exchange" else page.lab.rainbow.url  # type: ignore[union-attr]  # both are started
    async with page.client.get(f"{base}/lab/dials") as answer:
        found: dict[str, Any] = await answer.json()
    return found


async def test_a_fault_is_switched_on_where_it_stands_and_off_again() -> None:
    async with opened() as page:
        order = (await page.look()).xpath("//section[@id='lab_faults']//li/@id")
        assert await page.send("/faults", fault="exchange-slow", on="yes") == ""
        assert (await dials(page))["delay_seconds"] == 3.0
        document = await page.look()
        assert text(document, _SWITCHED_ON) == "Exchange takes three seconds for each calendar it reads"
        assert document.xpath("//section[@id='lab_faults']//li/@id") == order
        assert document.xpath("//li[@id='f-exchange-slow']//button[@role='switch']/@aria-checked") == ["true"]
        assert await page.send("/faults", fault="exchange-slow", on="no") == ""
        assert (await dials(page))["delay_seconds"] == 0.0
        assert text(await page.look(), _SWITCHED_ON) == ""


async def test_a_fault_of_one_mailbox_names_whose_it_is() -> None:
    async with opened() as page:
        who, key = next(iter(people(await page.look(), "f-mailbox-moving-person").items()))
        assert await page.send("/faults", fault="mailbox-moving", on="yes", person=key) == ""
        [address] = (await dials(page))["mailbox_errors"]
        document = await page.look()
        assert text(document, _SWITCHED_ON) == f"A mailbox is being moved: {who}"
        [mailbox] = document.xpath("//li[@class='fault is-on']//input[@name='mailbox']/@value")
        assert mailbox == address
        assert await page.send("/faults", fault="mailbox-moving", on="no", mailbox=mailbox) == ""
        assert (await dials(page))["mailbox_errors"] == {}
        assert await page.send("/faults", fault="mailbox-moving", on="yes") == "Choose whose mailbox it is about."
        assert "Load the page again" in await page.send("/faults", fault="rainbows-end", on="yes")


async def test_what_others_turn_is_shown_and_all_is_switched_off_at_once() -> None:
    async with opened() as page:
        await page.look()
        await dials(page)
        rainbow = page.lab.rainbow
        assert rainbow is not None
        async with page.client.post(f"{rainbow.url}/lab/dials", json={"away": {"link": "reset"}}) as answer:
            assert answer.status == 200
        await page.shows("Rainbow's questions do not get through", _SWITCHED_ON)
        await page.send("/faults", fault="no-impersonation", on="yes")
        assert await page.send("/faults/off") == ""
        assert text(await page.look(), _SWITCHED_ON) == ""
        assert (await dials(page))["impersonation"] is True


async def test_one_side_alone_has_its_faults_and_no_administration_but_rainbow_s() -> None:
    async with opened(only="exchange") as page:
        document = await page.look()
        assert "Exchange is overloaded" in text(document, "//section[@id='lab_faults']")
        assert "Rainbow" not in text(document, "//section[@id='lab_faults']")
        assert not document.xpath("//section[@id='lab_administration']")
        assert "no such fault" in await page.send("/faults", fault="rainbow-away", on="yes")
    async with opened(only="rainbow") as page:
        document = await page.look()
        assert "Exchange is" not in text(document, "//section[@id='lab_faults']")
        assert document.xpath("//section[@id='lab_administration']")
