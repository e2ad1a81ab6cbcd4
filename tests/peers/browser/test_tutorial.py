"""The tutorials, walked through in a browser as they are written: each command is run, each picture taken.

Pictures are written to build/screenshots/tutorial. Those of docs/images come from there: `make screenshots`, then copy.
"""

import re
import signal
import sys
from pathlib import Path

import pytest

from tests.peers.browser.lab_board import Board
from tests.peers.browser.setting_up import EXCHANGE, RAINBOW, SetUp
from tests.peers.browser.walk import DOCS, Page, Reader, Shell, interrupt, printed
from tests.peers.browser.window import Browser
from tests.ports import free_port
from tests.processes import Process, World, until

pytestmark = [pytest.mark.peer]

ROOT = DOCS.parent
LEA = "lea.chatelet@acme.test"
FAULT = "Rainbow is out of reach"
#: of all pictures, so that the documentation stays light
MOST_BYTES = 1_500_000


def free(board: Board, but: str = "") -> str:
    """Wait until somebody is free, and nothing lies on the line where one is to be made."""
    untouched = """key => [...document.querySelectorAll(`#m-${key} a.block`)].every(block =>
        Date.parse(block.dataset.to) < Date.now() - 2400000 || Date.parse(block.dataset.from) > Date.now() + 3600000)"""

    def is_free(key: str) -> bool:
        return board.contact(key) == "Free" and bool(board.page.evaluate(untouched, key))

    def found() -> str:
        board.page.wait_for_timeout(20)
        return next((each for each in board.everybody() if each != but and is_free(each)), "")

    key: str = until(found, "somebody who is free")
    return key


def made_busy(board: Board) -> str:
    """Make an appointment for somebody who is free; the company lives on, and the first may have got another."""
    for _attempt in range(3):
        key = free(board)
        board.make(key, "Tutorial")
        board.page.wait_for_timeout(3000)
        if "Tutorial" in board.contact(key):
            return key
    pytest.fail("nobody became busy with it")


def test_the_lab_s_tutorial_shows_a_change_a_fault_and_a_person(browser: Browser, world: World, tmp_path: Path) -> None:
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("make would set up another Python than the one that runs this")
    page = Page("tutorial/lab.md")
    [make] = page.commands()
    company = Process(["--directory", str(ROOT), *make.split()[1:]], tmp_path / "make", command=(make.split()[0],))
    world.stack.callback(interrupt, company)
    company.start()
    board = Board(browser.window(printed(company, r'"page": "(http://[\d.:]+)"')).go("/"))
    folder = printed(company, r'"event": "starting".*"folder": "([^"]+)"')
    printed(company, r'("state": "healthy")')
    reader = Reader(board.window)
    reader.look()

    key = made_busy(board)
    assert board.contact(key).startswith("Busy until")
    reader.look()
    board.open(board.block(key, "Tutorial")).get_by_label("Private").check()
    reader.look()
    board.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    board.sees(key, lambda text: "Tutorial" not in text, "no subject")
    board.open(board.block(key, "Tutorial")).get_by_role("button", name="Delete").click()
    board.block(key, "Tutorial").wait_for(state="detached")
    away = free(board, but=key)
    board.page.locator(f"#m-{away}").get_by_role("link", name="Out-of-office").click()
    board.page.get_by_role("dialog").get_by_label("Automatic reply").fill("Back on Monday")
    reader.look()
    board.page.get_by_role("dialog").get_by_role("button", name="Switch on").click()
    board.page.locator(f"#c-{away}").get_by_text("Back on Monday").wait_for(timeout=200_000)
    reader.look()

    shell = Shell(world, tmp_path / "second window")
    export, status = page.commands()
    state = export.replace("<folder>", folder)
    board.page.get_by_role("switch", name=FAULT).click()
    key = free(board, but=away)
    board.make(key, "Unseen")

    def rainbow_lost() -> bool:
        return "rainbow-unreachable" in shell.type(f"{state}; {status} || test $? = 1")

    until(rainbow_lost, "a status that names Rainbow")
    board.page.get_by_role("switch", name=FAULT).click()
    board.sees(key, lambda text: "Unseen" in text, "what was made meanwhile", within=180.0)
    reader.look()

    explain, way_in = page.commands()
    assert "zoe.curie@acme.test is shown right" in shell.type(f"{state}; {explain}")
    assert "/sign-in?code=" in shell.type(f"{state}; {way_in}")
    assert page.all_were_run()
    assert reader.has_seen(page) == set()
    board.page.close()  # it would complain that nobody answers any more
    assert interrupt(company) in {0, -signal.SIGINT}  # make ends by the signal itself, when what it ran has ended
    assert '"event": "stopped"' in company.output()


def rehearsed(page: Page) -> dict[str, str]:
    """Give what the last column of the tutorial's table names: the lab's addresses, names and passwords."""
    rows = [line.split("|")[3] for line in page.text.splitlines() if line.startswith("| ") and line.count("|") == 4]
    account, secret, url, login, password, app_id, app_secret = re.findall(r"`([^`]+)`", "".join(rows))
    [server] = re.findall(r"write `([^`]+)` as \*\*Rainbow server", page.text)
    exchange = {"Endpoint": url, "Account": account, "Password": secret}
    rainbow = {"login": login, "password": password, "app_id": app_id, "app_secret": app_secret, "url": server}
    return exchange | rainbow


def sets_it_up(reader: Reader, set_up: SetUp, given: dict[str, str]) -> None:
    """Follow step 3, with a wrong password first."""
    set_up.sign_in_to_rainbow(given)
    set_up.section(RAINBOW).get_by_role("heading", name="Grant access to the connector?").wait_for()
    reader.picture("grant-access", set_up.section(RAINBOW), height=640)
    set_up.grant_access()
    boxes = {label: given[label] for label in ("Endpoint", "Account")} | {"Password": "Exchange#2"}
    set_up.fill(EXCHANGE, boxes | {"Test mailbox": LEA})
    said, steps = set_up.tried(EXCHANGE, "Test and save Exchange")
    assert steps["Signing in to Exchange"].verdict == "Failed", said
    trial = set_up.section(EXCHANGE).get_by_role("list").last
    reader.picture("test-failed", trial, height=582)
    set_up.fill(EXCHANGE, {"Password": given["Password"]})
    said, _ = set_up.tried(EXCHANGE, "Test and save Exchange")
    assert said == "The test has passed. What was entered is saved, and in use."
    reader.picture("test-passed", trial, height=582)


def sees_it_work(browser: Browser, reader: Reader, lab_page: str) -> None:
    """Follow step 4: look at the overview, make somebody busy, and look at what is said of her."""
    window = reader.window
    reader.choose("Overview")
    window.page.get_by_text("Healthy", exact=True).wait_for(timeout=120_000)
    window.page.get_by_role("region", name="Mailboxes covered").get_by_text("/ 12").wait_for()
    reader.picture("overview")
    reader.choose("Activity")
    board = Board(browser.window(lab_page).go("/"))
    lea = next(each for each in board.everybody() if board.name(each) == "Léa Châtelet")
    board.make(lea, "Budget")
    board.sees(lea, lambda text: "Budget" in text, "what it is about, in Rainbow")
    window.page.get_by_text("Rainbow was told that the calendar has changed").first.wait_for(timeout=120_000)
    reader.look()
    assert not any("Budget" in text for text in reader.seen)
    board.page.close()  # it would complain that nobody answers when the lab ends
    reader.choose("People")
    window.page.get_by_label("Name or address").fill("lea")
    window.page.get_by_role("button", name="Search").click()
    reader.choose(LEA)
    reader.picture("person", height=1150)


def test_the_first_company_s_tutorial_leads_to_a_connector_at_work(
    browser: Browser, world: World, tmp_path: Path
) -> None:
    ports = {port: str(free_port()) for port in ("8081", "8082", "3002")}
    page = Page("tutorial/first-company.md", **ports)
    given = rehearsed(page)
    shell = Shell(world, tmp_path / "here")
    [lab] = page.commands()
    simulated = shell.leave_running(f"{lab} --page-port {ports['3002']}")
    printed(simulated, "(12 people)")
    for command in page.commands():
        shell.type(command)
    [settings] = re.findall(r"```toml\n(.*?)```", page.text, flags=re.DOTALL)
    (shell.folder / "demo" / "config.toml").write_text(settings, encoding="utf-8")
    [run], [web_url] = page.commands(), page.commands()
    shell.leave_running(run)
    found = until(lambda: re.search(r"http\S+code=\S+", shell.type(f"{web_url} || true")), "an address that lets in")
    window = browser.window(found[0].partition("/sign-in")[0], width=960).go(found[0])
    reader, set_up = Reader(window), SetUp(window)

    reader.picture("not-set-up", height=420)
    reader.choose("Go to the set-up")
    reader.look()
    sets_it_up(reader, set_up, given)
    kept = (shell.folder / "demo" / "exchange-password.txt").read_text(encoding="utf-8")
    assert kept.strip() == given["Password"]
    sees_it_work(browser, reader, f"http://127.0.0.1:{ports['3002']}")
    status, explain = page.commands()
    assert "12" in shell.type(status)
    assert "is shown right" in shell.type(explain)
    interrupt(simulated)
    until(lambda: "rainbow-link-lost" in shell.type(f"{status} || test $? = 1"), "a status that names the link")
    reader.choose("Problems")
    reader.look()
    assert page.all_were_run()
    assert reader.has_seen(page) == set()
    shown = re.findall(r"\(\.\./images/([\w-]+\.png)\)", page.text)
    assert shown == reader.taken


def test_every_picture_is_shown_and_they_are_light() -> None:
    pages = [path.read_text(encoding="utf-8") for path in [*DOCS.rglob("*.md"), ROOT / "README.md"]]
    shown = {name for text in pages for name in re.findall(r"images/([\w/-]+\.(?:png|svg))\)", text)}
    pictures = [each for each in (DOCS / "images").rglob("*") if each.is_file()]
    assert shown == {each.relative_to(DOCS / "images").as_posix() for each in pictures}
    assert sum(each.stat().st_size for each in pictures) <= MOST_BYTES
