"""Everybody is found on the page: searched, filtered, sorted, a page at a time, without a script."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from rainbow_exchange.diagnosis.mailboxes_query import Query
from rainbow_exchange.lab.company import make_company
from rainbow_exchange.lab.exchange.mailbox import Right
from rainbow_exchange.page.people import asked, path_of
from tests.house import House, until, virtually
from tests.page.formfiller import FormFiller, form_filler, words


def listed(page: FormFiller) -> list[str]:
    """Give the people of the table, each by what the link on it says."""
    return [words(each) for each in page.page.xpath("//table//th[@scope='row']//a")]


def link(page: FormFiller, name: str) -> str:
    """Give where the link of this name leads."""
    [found] = [each for each in page.page.get_element_by_id("people_found").iter("a") if words(each) == name]
    return str(found.get("href"))


def sorted_by(page: FormFiller) -> list[tuple[str, str]]:
    return [(words(each), each.get("aria-sort")) for each in page.page.xpath("//th[@aria-sort]")]


def test_people_are_searched_filtered_sorted_and_paged(tmp_path: Path) -> None:
    async def test() -> None:
        company = make_company(52, 1)
        nobody = replace(company[0], id="5f77", login_email="<b>eve@acme.test", emails=(), mailbox=None)
        house = House(tmp_path, [*company, nobody], right=Right.REVIEWER)
        async with house.at_work():
            await until(lambda: house.status()["mailboxes"]["streamed"] == 52, within=120)
            everybody = sorted(each.login_email for each in house.people)
            async with form_filler(house.sign_in) as page:
                await page.go("/people")
                assert listed(page) == everybody[:50]
                [table] = page.page.iter("table")
                assert words(table.find("caption")).startswith("1 to 50 of 53 people")
                assert {each.get("scope") for each in table.find("thead").iter("th")} == {"col"}
                assert sorted_by(page) == [("Person ↑", "ascending")]
                assert "Page 1 of 2" in page.text("people_found")
                await page.go(link(page, "Next"))
                assert listed(page) == everybody[50:]
                await page.go(link(page, "Previous"))

                await page.go(link(page, "Not covered 1"))
                assert listed(page) == ["<b>eve@acme.test"]
                assert "no mailbox" in page.text("people_found")
                await page.go(link(page, "All 53"))
                await page.go(link(page, "no mailbox 1"))
                assert listed(page) == ["<b>eve@acme.test"]

                await page.go("/people?state=streamed&sort=mailbox")
                [form] = [each for each in page.page.forms if each.get("role") == "search"]
                assert (form.method, form.action, form.form_values()) == (
                    "GET", "/people", [("text", ""), ("state", "streamed"), ("sort", "mailbox")],
                )  # fmt: skip
                assert page.page.xpath("//label[@for='text']")
                first = company[3].login_email
                await page.go(f"/people?text={first.upper()}&state=streamed")
                assert listed(page) == [first]

                await page.go(link(page, "Last told"))
                assert sorted_by(page) == [("Last told ↓", "descending")]
                assert parse_qs(urlsplit(page.at).query) == {
                    "text": [first.upper()], "state": ["streamed"], "sort": ["told"],
                }  # fmt: skip
                await page.go(link(page, "1"))  # the stream
                assert words(next(page.page.iter("caption"))).startswith("1 to 1 of 1")
                await page.go("/people?stream=1")
                assert "1 to 50 of 52 people" in page.text("people_found")
                assert "Only those of stream 1." in page.text("people_found")

                await page.go("/people?text=nobody-at-all")
                assert "Nobody is meant by that." in page.text("people_found")
                await page.go("/people?page=99")
                assert listed(page) == []
                paths = [each.get("href") for each in (await page.go("/people")).page.xpath("//th[@scope='row']//a")]
                assert len(paths) == 50
                assert not any("@" in path or "%40" in path for path in paths)

    virtually(test)


def test_while_there_is_no_bridge_each_view_says_why(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, url=None)
        async with house.open():
            house.start()
            await until(lambda: house.sign_in, within=30)
            async with form_filler(house.sign_in) as page:
                for path, part in (
                    ("/people", "people_found"), ("/people/5f77", "person_verdict"), ("/streams", "streams_found"),
                ):  # fmt: skip
                    assert page.page is None or page.at != path
                    assert len((await page.go(path)).text(part)) > 20
                    assert not list(page.page.get_element_by_id(part).iter("table", "button"))

    virtually(test)


def test_while_the_users_are_not_listed_a_person_is_not_known_yet(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 1, right=Right.REVIEWER)
        refused = {"refuse_next": 1000, "refuse_status": 403, "refuse_path": "/admin/v1.0/users"}
        house.rainbow.dials.set(refused)
        async with house.at_work("degraded"), form_filler(house.sign_in) as page:
            await page.go(f"/people/{house.people[0].id}")
            assert "The users of the company are not known yet" in page.text("person_verdict")
            assert page.buttons() == []
            assert "Rainbow has not listed the users" in (await page.go("/people")).text("people_found")

    virtually(test)


@pytest.mark.parametrize(
    ("values", "query", "number"),
    [
        ({}, Query(), 1),
        ({"state": "lost", "sort": "luck", "stream": "x", "problem": "?", "page": "two"}, Query(), 1),
        ({"text": "x" * 321, "state": "polled", "page": "0"}, Query(state="polled"), 1),
        ({"text": " ada ", "page": "7", "sort": "asked"}, Query(text="ada", sort="asked"), 7),
        ({"page": "9" * 5000}, Query(), 1),
        ({"page": "999999"}, Query(), 100_000),
    ],
)
def test_what_cannot_be_meant_is_left_out(values: dict[str, str], query: Query, number: int) -> None:
    assert asked(values) == (query, number)


def test_a_path_holds_any_id() -> None:
    assert path_of("5f76 a/b?c#d%") == "/people/5f76%20a%2Fb%3Fc%23d%25"
