"""The page of the lab: what is done on the left by mouse is seen on the right, with the whole product between."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.peers.browser.lab_board import SOON, Board, LabPage, open_lab_page
from tests.peers.browser.views import names_of, not_translated, texts
from tests.peers.browser.window import Browser
from tests.processes import COMMAND, Process, World

pytestmark = [pytest.mark.peer]


@pytest.fixture(scope="module")
def lab_page(chromium: Any, world: World) -> LabPage:  # noqa: ARG001  (nothing is started where there is no browser)
    return open_lab_page(world)


@pytest.fixture
def board(browser: Browser, lab_page: LabPage) -> Board:
    made = lab_page.board(browser)
    for key in made.everybody():
        made.sees(key, lambda text: not text.endswith("…"), "a first look at Rainbow")
    return made


def test_an_appointment_made_moved_and_deleted_by_mouse_is_seen_on_the_right(board: Board) -> None:
    key = board.everybody()[0]
    assert board.contact(key) == "Free"
    board.make(key, "Quarterly planning")
    busy = board.sees(key, lambda text: "Quarterly planning" in text, "busy on the right")
    assert re.match(r"Busy until \d{1,2}:\d\d", busy), busy

    total = board.page.locator("#lab-total")
    total.filter(has_text=re.compile(r"\d")).wait_for(timeout=SOON)
    board.page.locator("#lab_way .stages .waits").first.wait_for(state="detached", timeout=SOON)
    way = board.page.locator("#lab_way .newest").inner_text()
    assert f"{board.name(key)}: appointment made" in way
    for stage in ("In Exchange", "Rainbow told", "Rainbow asked", "Seen by colleagues"):
        assert re.search(rf"{stage}\s+[\d.]+ m?s", way), way

    # three hours later it is not now any more
    x, y = board.middle(board.block(key, "Quarterly planning"))
    later = board.place(key, 180)[0] - board.place(key, 0)[0]
    board.drag((x, y), (x + later, y))
    board.sees(key, lambda text: text == "Free", "free again")

    x, y = board.middle(board.block(key, "Quarterly planning"))
    board.drag((x, y), (x - later, y))
    board.sees(key, lambda text: "Quarterly planning" in text, "busy again")

    board.open(board.block(key, "Quarterly planning")).get_by_role("button", name="Delete").click()
    board.sees(key, lambda text: text == "Free", "free once it is deleted")
    assert board.block(key, "Quarterly planning").count() == 0


def test_an_edge_is_dragged_to_make_it_longer(board: Board) -> None:
    key = board.everybody()[1]
    board.make(key, "Longer")
    before = board.sees(key, lambda text: "Longer" in text, "busy on the right")
    box = board.block(key, "Longer").locator("rect.box").bounding_box()
    edge = (box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    by = board.place(key, 60)[0] - board.place(key, 0)[0]
    board.drag(edge, (edge[0] + by, edge[1]))
    board.sees(key, lambda text: "Longer" in text and text != before, "another end on the right")
    assert board.block(key, "Longer").locator("rect.box").bounding_box()["width"] == pytest.approx(
        box["width"] + by, abs=3
    )
    assert box["x"] == pytest.approx(board.block(key, "Longer").locator("rect.box").bounding_box()["x"], abs=3)


def test_a_drag_across_a_full_hour_keeps_the_times_it_showed(board: Board) -> None:
    key = board.everybody()[1]
    board.page.evaluate(
        """() => {
            const pane = document.getElementById("lab_exchange");
            const later = new Date(Date.parse(pane.dataset.start) + 3600000).toISOString();
            document.addEventListener("letgo", () => { pane.dataset.start = later; }, { once: true });
        }"""
    )
    begins, ends = board.place(key, 200), board.place(key, 260)  # where nothing was made before
    board.page.mouse.move(*begins)
    board.page.mouse.down()
    board.page.mouse.move(*ends)
    shown = board.page.locator(f"#m-{key} .ghost text").text_content().split(" \u2013 ")
    board.page.mouse.up()
    dialog = board.page.get_by_role("dialog")
    dialog.wait_for()
    assert [dialog.get_by_label(label).input_value()[-5:] for label in ("From", "To")] == shown
    dialog.get_by_role("link", name="Cancel").click()


def test_a_private_appointment_has_no_subject_on_the_right(board: Board) -> None:
    key = board.everybody()[2]
    board.make(key, "Between us")
    board.sees(key, lambda text: "Between us" in text, "the subject on the right")
    dialog = board.open(board.block(key, "Between us"))
    dialog.get_by_label("Private").check()
    dialog.get_by_role("button", name="Save").click()
    seen = board.sees(key, lambda text: "Between us" not in text, "no subject on the right")
    assert seen.startswith("Busy")
    assert "rivate appointment" in seen or "Rendez-vous privé" in seen
    assert board.block(key, "Between us").get_attribute("aria-label").endswith("private")

    dialog = board.open(board.block(key, "Between us"))
    dialog.get_by_label("Shown as").select_option("Free")
    dialog.get_by_role("button", name="Save").click()
    board.sees(key, lambda text: text == "Free", "free: it is shown as such")


def test_an_out_of_office_is_seen_with_its_text(board: Board) -> None:
    key = board.everybody()[3]
    board.page.locator(f"#m-{key}").get_by_role("link", name="Out-of-office").click()
    dialog = board.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Switch on").click()
    assert "Enter the text" in dialog.get_by_role("alert").inner_text()
    board.forgive_refusals()
    dialog.get_by_label("Automatic reply").fill("Back on Monday")
    dialog.get_by_role("button", name="Switch on").click()
    dialog.wait_for(state="hidden")
    board.page.locator(f"#m-{key} .line.is-away").wait_for()
    board.page.locator(f"#c-{key}").get_by_text("Back on Monday").wait_for(timeout=200_000)
    assert board.contact(key).startswith("Out of office")


def test_a_wrong_time_is_said_and_nothing_typed_is_lost(board: Board) -> None:
    key = board.everybody()[4]
    board.page.locator(f"#m-{key}").get_by_role("link", name="Add an appointment").click()
    dialog = board.page.get_by_role("dialog")
    dialog.get_by_label("Subject").fill("Backwards")
    dialog.get_by_label("To").fill("2026-01-01T08:00")
    dialog.get_by_role("button", name="Save").click()
    assert dialog.get_by_role("alert").inner_text() == "It ends before it begins. Choose a later end."
    assert dialog.get_by_label("Subject").input_value() == "Backwards"
    assert dialog.get_by_label("To").input_value() == "2026-01-01T08:00"
    dialog.get_by_role("link", name="Cancel").click()
    dialog.wait_for(state="hidden")
    board.forgive_refusals()


def test_a_fault_of_exchange_is_said_where_something_is_changed(board: Board, lab_page: LabPage) -> None:
    key = board.everybody()[4]
    board.page.locator(f"#m-{key}").get_by_role("link", name="Add an appointment").click()
    dialog = board.page.get_by_role("dialog")
    dialog.get_by_label("Subject").fill("In vain")
    lab_page.lab.exchange("POST", "/lab/outage", {"ews": "reset"})
    try:
        dialog.get_by_role("button", name="Save").click()
        dialog.get_by_role("alert").wait_for()
        assert "Exchange cannot be reached. Nothing was changed." in dialog.get_by_role("alert").inner_text()
        assert dialog.get_by_label("Subject").input_value() == "In vain"
        board.page.locator("#lab_exchange > .error").wait_for(timeout=SOON)
    finally:
        lab_page.lab.exchange("POST", "/lab/outage", {"ews": ""})
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="hidden")
    board.block(key, "In vain").wait_for()
    board.page.locator("#lab_exchange > .error").wait_for(state="detached", timeout=SOON)
    board.forgive_refusals()


def test_what_cannot_be_moved_goes_back_to_where_it_was(board: Board, lab_page: LabPage) -> None:
    key = board.everybody()[4]
    board.make(key, "Stays here", begins=100, ends=160)
    x, y = board.middle(board.block(key, "Stays here"))
    later = board.place(key, 60)[0] - board.place(key, 0)[0]
    lab_page.lab.exchange("POST", "/lab/dials", {"faults": {"UpdateItem": "ErrorTimeoutExpired"}})
    try:
        board.drag((x, y), (x + later, y))
        toast = board.page.locator("#alert")
        toast.wait_for()
        assert "Exchange does not do it: It says ErrorTimeoutExpired. Nothing was changed." in toast.inner_text()
        assert board.middle(board.block(key, "Stays here"))[0] == pytest.approx(x, abs=2)
    finally:
        lab_page.lab.exchange("POST", "/lab/dials", {"faults": {}})
    board.forgive_refusals()

    board.page.mouse.move(x, y)
    board.page.mouse.down()
    board.page.mouse.move(x + later, y)
    board.page.keyboard.press("Escape")
    board.page.mouse.up()
    assert board.middle(board.block(key, "Stays here"))[0] == pytest.approx(x, abs=2)
    assert not board.page.get_by_role("dialog").is_visible()


def test_everything_is_done_by_keyboard_alone(board: Board) -> None:
    key = board.everybody()[5]
    keyboard = board.page.keyboard
    board.page.locator(f"#m-{key}").get_by_role("link", name="Add an appointment").focus()
    keyboard.press("Enter")
    board.page.get_by_role("dialog").wait_for()
    assert board.window.focused().startswith("input Subject")
    keyboard.type("By hand")
    keyboard.press("Enter")
    board.block(key, "By hand").wait_for()
    board.sees(key, lambda text: "By hand" in text, "busy on the right")
    board.block(key, "By hand").focus()
    keyboard.press("Enter")
    dialog = board.page.get_by_role("dialog")
    dialog.wait_for()
    dialog.get_by_role("button", name="Delete").focus()
    keyboard.press("Enter")
    board.sees(key, lambda text: text == "Free", "free once it is deleted")
    keyboard.press("Escape")


def test_without_script_an_appointment_is_made_by_a_form(browser: Browser, lab_page: LabPage) -> None:
    plain = lab_page.board(browser, script=False)
    link = plain.page.locator("#lab_exchange").get_by_role("link", name="Add an appointment").first
    link.click()
    plain.page.get_by_label("Subject").fill("On paper")
    plain.page.get_by_role("button", name="Save").click()
    plain.page.get_by_role("heading", level=1, name="What people do").wait_for()
    assert plain.page.locator("a.block").filter(has_text="On paper").count() == 1


def test_each_word_is_in_the_browser_s_language(browser: Browser, lab_page: LabPage) -> None:
    def read(language: str) -> set[str]:
        board = lab_page.board(browser, language=language)
        key, found = board.everybody()[0], texts(board.window)
        for path in ("/appointment", "/absence"):
            found |= texts(board.window.go(f"{path}?person={key}"))
        return found

    subjects = {
        "Longer",
        "Back on Monday",
        "In vain",
        "Between us",
        "Stays here",
        "By hand",
        "On paper",
        "Quarterly planning",
    }
    same = not_translated(read("en-GB"), read("fr-CA"), names_of(lab_page.lab))
    assert {each for each in same if not any(subject in each for subject in subjects)} == set()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_can_be_read_by_everybody_at_any_width(
    browser: Browser, lab_page: LabPage, colours: str, language: str
) -> None:
    board = lab_page.board(browser, colours=colours, language=language)
    for key in board.everybody():
        board.sees(key, lambda text: not text.endswith("…"), "a first look at Rainbow")
    assert board.window.findings() == []
    widths = (320, 360, 768, 1024, 1280, 1920)
    assert {width: board.window.resize(width).overflow() for width in widths} == dict.fromkeys(widths, 0)


def test_without_a_connector_the_page_says_how_to_start_one(browser: Browser, world: World, tmp_path: Path) -> None:
    lab = world.lab(None, "--users", "2")
    board = Board(browser.window(lab.addresses["page"]).go("/"))
    key = board.everybody()[0]
    note = board.page.get_by_text("No connector is connected, so Rainbow learns nothing.")
    note.wait_for(timeout=SOON)
    assert "No calendar yet" in board.sees(key, lambda text: not text.endswith("…"), "a first look at Rainbow")
    board.page.get_by_text("Start one in another window").click()
    lines = board.page.locator("#lab_rainbow code").inner_text()
    assert lines.endswith("\nrainbow-exchange run")

    shell = Process(["-c", f"{lines.replace('rainbow-exchange run', 'exec rainbow-exchange run')}"], tmp_path / "typed")
    shell.command = ("sh",)
    shell.environment = {"PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    shell.start()
    try:
        note.wait_for(state="detached", timeout=SOON)
        board.sees(key, lambda text: text == "Free", "what the connector tells")
    finally:
        shell.stop()
