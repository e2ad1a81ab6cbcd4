"""Each stream is shown with its state, its members and its server."""

from pathlib import Path

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, until, virtually
from tests.page.formfiller import form_filler, words


def test_streams_are_shown_with_their_members(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 3, right=Right.REVIEWER)
        async with house.at_work(), form_filler(house.sign_in) as page:
            await until(lambda: house.status()["mailboxes"]["streamed"] == 3, within=60)
            await page.go("/streams")
            shown = page.text("streams_found")
            assert "Open 1 / 1 for 3 mailboxes; reopened 0 times" in shown
            assert "Polled instead 0 Nobody has to be." in shown
            assert "none met refused 0 times" in shown
            row = [words(each) for each in page.page.xpath("//tbody/tr")[0]]
            assert (row[0], row[1], row[2], row[5], row[7]) == ("1", "Open", "3", "0", "exch01.acme.test")
            assert row[6] in house.exchange.directory.by_address
            [members] = page.page.xpath("//tbody//a")
            assert members.get("aria-label") == "3 people of stream 1"
            await page.go(members.get("href"))
            assert "1 to 3 of 3 people" in page.text("people_found")

    virtually(test)
