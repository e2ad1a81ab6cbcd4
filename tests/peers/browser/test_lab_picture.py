"""The picture of the lab's page that heads the README: of a real company at work, in a real browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.peers.browser.lab_board import Board
from tests.peers.browser.window import Browser
from tests.processes import Lab, World

pytestmark = [pytest.mark.peer]

#: `make screenshots` puts it where the documentation has it
PICTURE = Path(__file__).parents[3] / "build" / "screenshots" / "lab.png"
NAMES = (
    *("Chloé Garçon", "Gaël Nguyễn", "Hélène Weiß", "Inge Châtelain"),
    *("Karim Bœuf", "Maël O'Brien", "Noël Schmitt", "Zoé Brûlé"),
)
#: who does what: subject, hours from the last half hour on, how long, and how else
DAY: dict[str, list[tuple[str, float, float, dict[str, str]]]] = {
    "Chloé Garçon": [("Budget & outlook", -0.5, 1.5, {}), ("Design workshop", 2, 1, {})],
    "Gaël Nguyễn": [("Weekly review", -3, 1, {}), ("Customer call", 2.5, 1, {})],
    "Hélène Weiß": [("Dentist", 0, 1, {"sensitivity": "Private"}), ("Release party", 3, 2, {})],
    "Inge Châtelain": [("Interview", -2, 1, {}), ("Interview", 1.5, 1, {"show_as": "Tentative"})],
    "Karim Bœuf": [("Training", 0, 4, {"show_as": "OOF"})],
    "Maël O'Brien": [("Roadmap: next steps", -0.5, 2, {}), ("Supplier visit", 3.5, 1, {})],
    "Noël Schmitt": [("At home", -3, 8, {"show_as": "WorkingElsewhere"})],
    "Zoé Brûlé": [("Team lunch", -2, 1.5, {}), ("Planning", 2, 1.5, {})],
}
AWAY = "Karim Bœuf"
#: what is made by mouse, by minutes from now
CHANGES: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("Gaël Nguyễn", "Interview", {"begins": -10, "ends": 60}),
    ("Inge Châtelain", "Customer call", {"begins": -25, "ends": 35}),
    ("Zoé Brûlé", "Sprint demo", {"begins": -20, "ends": 45}),
)


def address(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower().replace('é', 'e').replace('è', 'e').replace('ë', 'e')}@acme.test"


def fill(lab: Lab) -> None:
    """Give everybody a day, and one of them an absence."""
    now = datetime.now(UTC)
    slot = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    for name, day in DAY.items():
        for subject, begins, hours, more in day:
            start = slot + timedelta(hours=begins)
            times = {"start": start.isoformat(), "end": (start + timedelta(hours=hours)).isoformat()}
            lab.exchange("POST", f"/lab/mailboxes/{address(name)}/items", {"subject": subject, **times, **more})
    reply = {"state": "Enabled", "internal": "In training until tomorrow"}
    lab.exchange("PUT", f"/lab/mailboxes/{address(AWAY)}/out-of-office", reply)


def test_a_picture_of_both_sides(browser: Browser, world: World) -> None:
    people = [
        {"loginEmail": address(name), "firstName": first, "lastName": last, "displayName": name, "language": "en"}
        for name in NAMES
        for first, _, last in [name.partition(" ")]
    ]
    lab = world.lab(people)
    fill(lab)
    world.connector(lab, STATE__PATH=str(world.folder / "state of the picture")).healthy(len(people))
    window = browser.window(lab.addresses["page"], width=1280, height=800)
    board = Board(window.go("/"))
    who = {board.name(key): key for key in board.everybody()}
    board.sees(who["Hélène Weiß"], lambda text: "Private appointment" in text, "what is private")
    board.sees(who[AWAY], lambda text: "In training" in text, "an automatic reply", within=120)
    for name, subject, how in CHANGES:
        board.make(who[name], subject, **how)
        board.page.locator("#lab_way .stages .waits").first.wait_for(state="detached")
    board.sees(who["Zoé Brûlé"], lambda text: "Sprint demo" in text, "what was made just now")
    board.page.mouse.move(1, 1)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    board.page.screenshot(path=PICTURE, animations="disabled", caret="hide")
