"""The panels of the lab's page: what an administrator and what misfortune do, with the whole product between."""

from typing import Any

import pytest

from tests.peers.browser.lab_board import SOON, Board, LabPage, open_lab_page
from tests.peers.browser.window import Browser
from tests.processes import World

pytestmark = [pytest.mark.peer]


@pytest.fixture(scope="module")
def lab_page(chromium: Any, world: World) -> LabPage:  # noqa: ARG001  (nothing is started where there is no browser)
    return open_lab_page(world, 4)


@pytest.fixture
def board(browser: Browser, lab_page: LabPage) -> Board:
    return lab_page.board(browser)


def switch(board: Board, fault: str, *, on: bool) -> Any:
    """The switch of a fault, as it stands once it is so."""
    return board.page.locator(f"#f-{fault} button[role=switch][aria-checked={'true' if on else 'false'}]")


def dials(lab_page: LabPage) -> dict[str, Any]:
    found: dict[str, Any] = lab_page.lab.exchange("GET", "/lab/dials")
    return found


def test_a_fault_delays_what_is_seen_and_shows_in_every_window(browser: Browser, lab_page: LabPage) -> None:
    board, other = lab_page.board(browser), lab_page.board(browser)
    key = board.everybody()[0]
    switch(board, "exchange-slow", on=False).click()
    for each in (board, other):
        switch(each, "exchange-slow", on=True).wait_for(timeout=SOON)
    assert dials(lab_page)["delay_seconds"] == 3.0
    board.make(key, "Slowly")
    board.sees(key, lambda text: "Slowly" in text, "busy, if late")
    total = board.page.locator("#lab-total")
    total.filter(has_text="s").wait_for(timeout=SOON)
    assert float(total.inner_text().split()[0]) >= 3.0
    other.page.get_by_role("button", name="Switch all off").click()
    switch(board, "exchange-slow", on=False).wait_for(timeout=SOON)
    assert dials(lab_page)["delay_seconds"] == 0.0


def test_a_switch_pressed_by_keyboard_keeps_its_place_and_one_pressed_twice_is_pressed_once(board: Board) -> None:
    switch(board, "no-impersonation", on=False).focus()
    for on in (True, False):
        board.page.keyboard.press("Space")
        switch(board, "no-impersonation", on=on).wait_for(timeout=SOON)
        place = board.page.evaluate("document.activeElement.getAttribute('aria-labelledby')")
        assert place == "f-no-impersonation-title"
    switch(board, "exchange-slow", on=False).dblclick()
    switch(board, "exchange-slow", on=True).wait_for(timeout=SOON)
    switch(board, "exchange-slow", on=True).click()
    switch(board, "exchange-slow", on=False).wait_for(timeout=SOON)


def test_a_fault_of_one_mailbox_is_chosen_and_named(board: Board, lab_page: LabPage) -> None:
    name = board.name(board.everybody()[1])
    board.page.locator("#f-mailbox-moving button").click()
    board.page.locator("#alert").get_by_text("Choose whose mailbox it is about.", exact=True).wait_for()
    board.forgive_refusals()
    board.page.locator("#f-mailbox-moving select").select_option(label=name)
    board.page.locator("#f-mailbox-moving button").click()
    on = board.page.locator(".fault.is-on")
    on.wait_for(timeout=SOON)
    assert on.locator(".name").inner_text() == f"A mailbox is being moved: {name}"
    on.get_by_role("switch").click()
    on.wait_for(state="detached", timeout=SOON)
    assert dials(lab_page)["mailbox_errors"] == {}


def test_somebody_is_added_followed_and_removed(board: Board) -> None:
    page = board.page
    page.get_by_label("First name").fill("Zoé")
    page.get_by_label("Last name").fill("Neuve")
    page.get_by_label("E-mail address").fill("zoe.neuve@acme.test")
    page.get_by_role("form", name="Add a user").get_by_role("button").dblclick()
    contact = page.locator("#lab_rainbow li").filter(has_text="Zoé Neuve")
    contact.filter(has_text="Free").wait_for(timeout=SOON)
    assert page.get_by_label("Last name").input_value() == ""
    assert not page.locator("#alert").is_visible()
    key = contact.get_attribute("id").partition("-")[2]
    board.make(key, "First day")
    board.sees(key, lambda text: "First day" in text, "busy on the right")
    page.locator(f"#m-{key}").get_by_role("link", name="Add an appointment").click()
    page.get_by_role("dialog").get_by_label("Subject").fill("Farewell")
    other = board.window.page.context.new_page()
    other.goto(board.window.base)
    other.get_by_role("combobox", name="Who", exact=True).select_option(label="Zoé Neuve")
    other.get_by_role("button", name="Remove").click()
    other.get_by_text("Zoé Neuve is removed; the mailbox stays.").wait_for(timeout=SOON)
    other.close()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    page.locator("#lab_exchange a.block").filter(has_text="Farewell").wait_for(timeout=SOON)
    page.locator("#lab_rainbow").get_by_text("Not a user of Rainbow").wait_for(timeout=SOON)


def test_the_switch_is_obeyed(board: Board) -> None:
    key = board.everybody()[2]
    calendars = board.page.locator("#lab_administration").get_by_role("switch")
    calendars.click()
    board.page.get_by_text("It is switched off.").wait_for(timeout=SOON)
    board.page.wait_for_timeout(5000)  # the connector hears of it, and lets go of everybody
    board.make(key, "Unseen")
    board.page.wait_for_timeout(3000)
    assert "Unseen" not in board.contact(key)
    calendars.click()
    board.sees(key, lambda text: "Unseen" in text, "busy once it is on again")


def test_a_password_that_is_entered_never_comes_back(board: Board) -> None:
    page = board.page
    page.get_by_label("Address of EWS").fill("https://mail.acme.test/EWS/Exchange.asmx")
    page.get_by_label("User name").fill("svc")
    page.get_by_role("textbox", name="Password").fill("Hidden#7")
    page.locator("form[action='/administration/exchange']").get_by_role("button", name="Save").click()
    page.get_by_text("The Exchange server is saved.").wait_for(timeout=SOON)
    page.locator("#server-password[placeholder=unchanged]").wait_for(timeout=SOON)
    assert page.get_by_role("textbox", name="Password").input_value() == ""
    assert "Hidden#7" not in page.content()
    page.reload()
    assert "Hidden#7" not in page.content()
    page.get_by_role("button", name="Take it out").click()
    page.get_by_text("The Exchange server is taken out.").wait_for(timeout=SOON)


def test_a_lab_that_has_ended_takes_nothing_along_that_was_typed(browser: Browser, world: World) -> None:
    lab = world.lab(None, "--users", "2")
    window = browser.window(lab.addresses["page"]).go("/")
    window.page.get_by_label("Last name").fill("Typed")
    lab.stop()
    window.page.locator("#f-exchange-slow button").click()
    window.page.locator("#alert").get_by_text("The lab does not answer").wait_for(timeout=SOON)
    window.page.locator("#lab_exchange .line").first.click()
    window.page.wait_for_timeout(500)
    assert window.page.url == lab.addresses["page"] + "/"
    assert window.page.get_by_label("Last name").input_value() == "Typed"
    window.complaints.clear()  # a browser complains of each request that nobody answers
