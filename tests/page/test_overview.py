"""The first view: what it says, where it leads, and that it stays small."""

import asyncio
import gzip
from datetime import timedelta
from pathlib import Path

from rainbow_exchange.diagnosis.headcount import Group
from rainbow_exchange.ews.errors import ServerBusy
from rainbow_exchange.page.overview import people_of
from tests.house import EPOCH, House, now, until, virtually
from tests.page.formfiller import FormFiller, form_filler, words


def links(page: FormFiller, part: str) -> dict[str, str]:
    return {words(each): each.get("href") for each in page.page.get_element_by_id(part).iter("a")}


def facts(page: FormFiller, part: str) -> dict[str, str]:
    """Give the terms of a part with what stands beside them."""
    element = page.page.get_element_by_id(part)
    return dict(zip(map(words, element.iter("dt")), map(words, element.iter("dd")), strict=True))


def test_one_look_says_whether_all_is_well(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 8)
        addresses = sorted(house.exchange.directory.by_address)
        house.exchange.dials.turn({"mailbox_errors": dict.fromkeys(addresses[:2], "ErrorAccessDenied")})
        async with house.at_work("degraded") as daemon:
            await until(lambda: house.status()["mailboxes"]["streamed"] == 6, within=120)
            await until(lambda: not daemon.sides.settling, within=60)
            async with form_filler(house.sign_in) as page:
                await page.go("/")
                assert "Degraded" in page.text("overview_verdict")
                assert "Exchange denies access to the mailbox of 2 users" in page.text("overview_verdict")
                assert links(page, "overview_verdict") == {"See all problems (1)": "/problems"}
                assert page.text("overview_sides").count("Connected") == 2
                shown = facts(page, "overview_sides")
                assert (shown["Streamed"], shown["Polled"], shown["Not covered"]) == ("6", "0", "2")
                assert links(page, "overview_sides")["2"] == "/people?state=uncovered"
                leads = links(page, "overview_rest")["2 people"]
                assert leads == "/people?state=uncovered&problem=mailbox-denied&reason=ErrorAccessDenied"
                assert "No change was told in the last hour." in page.text("overview_hour")
                await page.go(leads)
                assert "1 to 2 of 2 people" in page.text()

                house.appointment(addresses[3], "Sbj4711", start=EPOCH + timedelta(hours=1))
                await until(lambda: daemon._condition.timings.hour.whole(now()).asked.counts, within=30)
                await page.go("/")
                assert facts(page, "overview_hour")["Calendars"] == "1"
                plots = page.page.xpath("//*[@id='overview_hour']//svg[@role='img' and @aria-label]")
                assert [len(each.xpath(".//circle")) for each in plots] == [2, 2]
                [row] = page.page.xpath("//*[@id='hour-numbers']//tbody/tr")
                assert len(row.xpath("./td")) == 5
                assert facts(page, "overview_sides")["Server"] == "127.0.0.1"
                rest = facts(page, "overview_rest")
                assert rest["Requests at once"] in {"0 / 10", "1 / 10"}  # a change may be looked after just now
                assert rest["Asked to slow down"] == "never"
                assert rest["Out-of-office of everybody"] == "every 60 seconds"
                assert rest["Version"]
                assert "Last" not in rest

                side = daemon.sides.exchange
                assert side is not None
                side.exchange.counters.backed_off(ServerBusy("ErrorServerBusy"), now())
                await page.go("/")
                rest = facts(page, "overview_rest")
                assert rest["Asked to slow down"] == "1 time"
                assert rest["Last"].endswith(", ErrorServerBusy")

    virtually(test)


def test_the_first_view_is_one_document_of_60_kb_at_most_however_bad_it_is(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 5)
        async with house.at_work() as daemon:
            hour = daemon._condition.timings.hour
            for number in range(60):
                minute = hour.at(now() - timedelta(minutes=59 - number))
                minute.calendars += 1000 * number
                for seconds in (0.01 * number, 0.1 * number, 7.0 * number):
                    minute.told.add(seconds)
                    minute.asked.add(seconds)
            for number in range(30):
                problem_id, text = f"exchange-fault-{number}", f"<script>{number}</script> {'x' * 3000}"
                daemon._condition.problems.report(problem_id, severity="error", text=text, action=text)
            async with house.browser() as client:
                for path in ("/", "/problems"):
                    async with client.get(path) as answer:
                        document = await answer.text()
                    assert "<script>1" not in document
                    assert len(gzip.compress(document.encode())) <= 60_000
                    for outside in ('<link rel="stylesheet"', "<script src", "<img", "@import", "url(http"):
                        assert outside not in document
            for number in range(30):
                daemon._condition.problems.clear(f"exchange-fault-{number}")

    virtually(test)


def test_what_changes_is_seen_without_loading_anew(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        address = min(house.exchange.directory.by_address)
        async with house.at_work() as daemon, house.browser() as client, client.get("/live/") as stream:

            async def part(name: str, what: str) -> None:
                said = ""
                while not (said.startswith("event: part\n") and f'id="{name}"' in said and what in said):
                    said = (await stream.content.readuntil(b"\n\n")).decode()

            await asyncio.sleep(30)
            house.appointment(address, "Sbj4711", start=EPOCH + timedelta(hours=1))
            async with asyncio.timeout(3600):  # a view that takes long is worked out less often
                await part("overview_hour", "<svg")
                problems = daemon._condition.problems
                problems.report("rainbow-fault", severity="error", text="It broke.", action="Mend it.")
                await part("overview_verdict", "It broke.")
                problems.clear("rainbow-fault")
                await part("overview_verdict", "All is well")

    virtually(test)


def test_a_group_leads_to_its_people() -> None:
    group = Group(state="polled", problem="", reason="ErrorExceededConnectionCount (Max & more)", people=3)
    assert people_of(group) == "/people?state=polled&reason=ErrorExceededConnectionCount+%28Max+%26+more%29"
    assert people_of(Group(state="uncovered", problem="", reason="", people=1)) == "/people?state=uncovered"
