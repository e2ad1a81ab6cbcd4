"""What the owner of a mailbox does on the page, over real sockets: and what is said where it cannot be done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from rainbow_exchange.lab.owner import Owner
from tests.lab_page.opened import Opened, opened, text

TRY_AGAIN = "Nothing was changed. Try again, or switch the fault off that keeps it from being done."
NOW = datetime.now(UTC).replace(second=0, microsecond=0)


class Desk(Opened):
    """The page, and whoever's mailbox is the first on it."""

    key = ""

    async def begin(self) -> "Desk":
        document = await self.look()
        self.key = document.xpath("//*[@data-person]/@data-person")[0]
        return self

    def owner(self) -> Owner:
        assert self.lab.exchange is not None
        address = next(user.mailbox.address for user in self.lab.users if user.mailbox and user.id == self.key)
        side = self.lab.exchange
        return Owner(self.client, url=side.url, address=address, password=side.password)

    async def agenda(self) -> Any:
        return await self.owner().agenda(NOW - timedelta(hours=3), NOW + timedelta(hours=6))

    async def save(self, **fields: str) -> str:
        given = {
            "person": self.key,
            "subject": "Planning",
            "start": NOW.isoformat(),
            "end": (NOW + timedelta(hours=1)).isoformat(),
            "show_as": "Busy",
        }
        return await self.send("/appointment", **(given | fields))


async def test_an_appointment_is_made_changed_moved_and_deleted() -> None:
    async with opened() as page:
        desk = await Desk(page.client, page.lab).begin()
        assert await desk.save() == ""
        (made,) = await desk.agenda()
        assert (made.subject, made.start, made.show_as, made.private) == ("Planning", NOW, "Busy", False)
        await desk.shows("Planning", f"//*[@id='m-{desk.key}']//*[local-name()='text']")

        ids = {"item": made.item.id, "change_key": made.item.change_key}
        assert await desk.save(**ids, subject="Secret", show_as="OOF", private="on") == ""
        (changed,) = await desk.agenda()
        assert (changed.subject, changed.show_as, changed.private) == ("Secret", "OOF", True)

        later = {"start": (NOW + timedelta(hours=2)).isoformat(), "end": (NOW + timedelta(hours=3)).isoformat()}
        assert await desk.send("/appointment/move", person=desk.key, item=made.item.id, **later) == ""
        (moved,) = await desk.agenda()
        assert moved.start == NOW + timedelta(hours=2)

        form = await desk.look(f"/appointment?person={desk.key}&item={made.item.id}")
        assert form.xpath("//input[@id='subject']/@value") == ["Secret"]
        assert form.xpath("//input[@id='private']/@checked") != []
        assert await desk.send("/appointment/delete", person=desk.key, **ids) == ""
        assert await desk.agenda() == []
        gone = await desk.send("/appointment/move", person=desk.key, item=made.item.id, **later)
        assert gone == "There is no such appointment any more. Somebody has deleted it meanwhile."
        said = await desk.save(**ids)
        assert said.startswith("Exchange does not do it: There is no such appointment any more. Nothing was changed.")


async def test_what_cannot_be_meant_is_said_and_shown_again() -> None:
    async with opened() as page:
        desk = await Desk(page.client, page.lab).begin()
        long_ago = (NOW - timedelta(days=30)).isoformat()
        said = {
            "It ends before it begins. Choose a later end.": {"end": long_ago},
            "It is longer than 14 days. Choose an earlier end.": {"start": long_ago},
            "Enter when it begins and when it ends, as date and time.": {"start": "tomorrow"},
            "Choose how it is shown.": {"show_as": "Asleep"},
            f"Exchange does not do it: It has a character that Exchange does not take. {TRY_AGAIN}": {
                "subject": "a\x01b"
            },
            "There is no such mailbox any more. Somebody may have removed it meanwhile.": {"person": "nobody"},
        }
        assert {await desk.save(**fields): fields for fields in said.values()} == said
        assert await desk.agenda() == []

        data = {"person": desk.key, "subject": "Typed", "start": NOW.isoformat(), "end": long_ago}
        async with desk.client.post("/appointment", data=data) as answer:
            shown = await answer.text()
        assert answer.status == 422
        assert 'value="Typed"' in shown
        assert f'value="{long_ago}"' in shown


async def test_an_out_of_office_has_a_text() -> None:
    async with opened() as page:
        desk = await Desk(page.client, page.lab).begin()
        assert (
            await desk.send("/absence", person=desk.key, out="yes", text=" ") == "Enter the text that colleagues get."
        )
        assert await desk.send("/absence", person=desk.key, out="yes", text="Back on Monday") == ""
        assert (await desk.owner().out_of_office()).internal == "Back on Monday"
        await desk.shows("Exchange announces no out-of-office", "//*[@id='lab_way']")
        form = await desk.look(f"/absence?person={desk.key}")
        assert text(form, "//textarea") == "Back on Monday"
        assert await desk.send("/absence", person=desk.key, out="no") == ""
        assert not (await desk.owner().out_of_office()).on(datetime.now(UTC))


@pytest.mark.parametrize(
    ("dials", "reason"),
    [
        ({"unauthorized": True}, "The password is refused (HTTP 401)."),
        ({"server_busy": "message"}, "It is overloaded (ErrorServerBusy)."),
        ({"faults": {"CreateItem": "ErrorTimeoutExpired"}}, "It says ErrorTimeoutExpired."),
    ],
)
async def test_a_fault_of_exchange_is_named(dials: dict[str, Any], reason: str) -> None:
    async with opened() as page:
        desk = await Desk(page.client, page.lab).begin()
        assert page.lab.exchange is not None
        base = page.lab.exchange.url.removesuffix("/EWS/Exchange.asmx")
        async with aiohttp.ClientSession() as client, client.post(f"{base}/lab/dials", json=dials) as answer:
            assert answer.status == 200
        assert (await desk.save()).startswith(f"Exchange does not do it: {reason} Nothing was changed.")
