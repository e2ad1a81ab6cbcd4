"""What needs a person stands on its page, each with severity, id, since when and what to do, and goes."""

import re
from pathlib import Path

from rainbow_exchange.page.problems import WHERE
from tests.house import House, virtually
from tests.page.formfiller import form_filler, words


def test_problems_come_and_go(tmp_path: Path) -> None:
    async def test() -> None:
        house = House(tmp_path, 2)
        async with house.at_work() as daemon, form_filler(house.sign_in) as page:
            await page.go("/problems")
            assert "Nothing needs you." in page.text("problems_open")
            problems = daemon._condition.problems
            problems.report("mailbox-denied", severity="warning", text="<b>One.</b>", action="Do this.")
            problems.report("settings-faulty", severity="error", text="Two.", action="Do that.")
            problems.report("exchange-unknown", severity="notice", text="Three.", action="Do nothing.")
            await page.go("/problems")
            sections = page.page.xpath("//*[@id='problems_open']/section")
            first, second, third = map(words, sections)
            assert first.startswith("Error settings-faulty since ")
            assert first.endswith("Two. Next step: Do that. Open the set-up")
            assert second.startswith("Warning mailbox-denied since ")
            assert "<b>One.</b> Next step: Do this. Show whom it concerns" in second
            assert third.startswith("Notice exchange-unknown since ")
            assert third.endswith("Next step: Do nothing.")
            assert [each.get("href") for each in page.page.xpath("//section//a")] == [
                "/set-up",
                "/people?problem=mailbox-denied",
            ]
            assert len(page.page.xpath("//section//time[@datetime]")) == 6
            for problem in list(problems):
                problems.clear(problem.id)
            await page.go("/problems")
            assert "Nothing needs you." in page.text("problems_open")

    virtually(test)


def test_what_leads_somewhere_is_a_problem_of_the_reference() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "problems.md"
    documented = set(re.findall(r"^### ([a-z-]+)$", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert WHERE.keys() - documented == set()
