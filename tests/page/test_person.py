"""One person is explained, tried again, read again and looked at as of then; a subject is shown only on asking."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, until, virtually
from tests.page.formfiller import FormFiller, form_filler, words


def badges(page: FormFiller) -> dict[str, str]:
    """Give how each link of the chain is said to stand."""
    links = page.page.get_element_by_id("person_chain").xpath(".//ol[@class='steps']/li")
    return {words(each.find(".//h3")): words(each[0]) for each in links}


def test_a_person_is_explained_and_what_is_told_is_shown_only_on_asking(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER)
        ada = house.people[0]
        assert ada.mailbox is not None
        async with house.at_work(), form_filler(house.sign_in) as page:
            house.appointment(ada.mailbox.address, "Sbj4711 <script>", start=now() - timedelta(minutes=10))
            await asyncio.sleep(120)
            await page.go(f"/people/{ada.id}")
            verdict = page.text("person_verdict")
            assert words(page.page.find(".//h1")) == ada.login_email
            assert verdict.startswith("Right Shown right, because changes are noticed,")
            assert "Next step: If the client shows something else," in verdict
            assert badges(page) == dict.fromkeys(
                ("Rainbow user", "Mailbox", "Exchange", "Stream", "Calendar as read", "Out of office", "Rainbow",
                 "Told", "Asked and answered"), "Good",
            )  # fmt: skip
            chain = page.text("person_chain")
            assert f"login {ada.login_email} : leads to the mailbox" in chain
            assert ": busy now" in chain
            assert "Stream 1 with 2 members, on exch01.acme.test" in chain
            assert "the users are listed anew" in chain
            assert "4711" not in page.text()
            assert "@" not in words(page.page.find(".//title"))

            await page.go(f"/people/{ada.id}/told")
            assert "Sbj4711 <script>" in page.text()
            assert "as it was written" in page.text()
            assert "Never told" in page.text()

            await page.go(f"/people/{ada.id}")
            notified = house.notified().count(ada.id)
            assert await page.press("Read again") == 200
            assert "Being read again" in page.text("person_verdict")
            path = page.page.find("body").get("data-live").removeprefix("/live")
            for _ in range(60):
                await asyncio.sleep(1)
                if "Read anew, and Rainbow told." in (await page.go(path)).text("person_verdict"):
                    break
            else:
                pytest.fail(page.text("person_verdict"))
            assert house.notified().count(ada.id) == notified + 1
            await page.press("Retry now")
            assert "Nothing waits for a try here" in page.text("person_verdict")

            await page.go(f"/people/{ada.id}/at?at={(now() - timedelta(minutes=1)).isoformat().replace('+', '%2B')}")
            assert "Right" in page.text()
            assert "Exchange announced a change of the calendar." in page.text()
            assert "4711" not in page.text()
            for wrong in ("", "then", (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")):
                await page.go(f"/people/{ada.id}/at?at={wrong}")
                assert "Give a time of the last 24 hours" in page.text()
            with pytest.raises(AssertionError, match="404"):
                await page.go("/people/5f77")

    virtually(test)


def test_whoever_is_denied_is_tried_at_once_when_somebody_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2, right=Right.REVIEWER)
        ada = house.people[0]
        assert ada.mailbox is not None
        house.exchange.dials.turn({"mailbox_errors": {ada.mailbox.address: "ErrorAccessDenied"}})
        async with house.open():
            house.start()
            await until(lambda: "mailbox-denied" in house.problems(), within=120)
            async with form_filler(house.sign_in) as page:
                await page.go(f"/people/{ada.id}")
                assert "Not right Not shown right, because no mailbox is found or allowed" in page.text(
                    "person_verdict"
                )
                links = badges(page)
                assert (links["Rainbow user"], links["Mailbox"], links["Stream"]) == ("Good", "Broken", "Nothing yet")
                house.exchange.dials.turn({"mailbox_errors": {}})
                assert await page.press("Retry now") == 200
                assert "Tried now" in page.text("person_verdict")
                await until(lambda: house.status()["mailboxes"]["streamed"] == 2, within=20)
                await page.go(f"/people/{ada.id}")
                assert badges(page)["Mailbox"] == "Good"

    virtually(test)
