"""The reference pages name what the code has, and nothing else."""

import re
from pathlib import Path

from rainbow_exchange.bridge.reported import SUBJECTS
from rainbow_exchange.diagnosis.check import TITLES
from tests.wire_calls import VALUE, calls

PAGES = Path(__file__).parent.parent / "docs" / "reference"


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def test_metrics_stand_on_their_page_as_they_are_scraped_with_unit_and_labels() -> None:
    """Some of each kind, so that a page made of the code cannot come to say nothing."""
    rows = {line.split("|")[1].strip(): line for line in page("metrics.md").splitlines() if line.startswith("| `")}

    assert len(rows) > 60
    for name, said in {
        "told_latency_seconds": "histogram | seconds | | Time from Exchange's notification to Rainbow's having been",
        "due_oldest_seconds": "gauge | seconds | | Age of the oldest change that Rainbow has not been told yet",
        "mailboxes": "gauge | mailboxes | `coverage`: `streamed`, `polled`, `uncovered` | Mailboxes by how changes",
        "back_offs_total": "counter | times | `side`: `exchange`, `rainbow`; `reason`: a ResponseCode",
        "ews_received_bytes_total": "counter | bytes | | Bytes received from Exchange.",
        "users_listed_timestamp_seconds": "gauge | seconds since 1970 | | When the users were last listed",
    }.items():
        assert f"| {said}" in rows[f"`rainbow_exchange_{name}`"]


def test_every_problem_stands_on_its_page_and_no_other_does() -> None:
    package = PAGES.parent.parent / "rainbow_exchange"
    files = [*(package / "bridge").glob("*.py"), package / "sides/holds.py", package / "sides/both.py"]
    ids = r'"((?:settings|exchange|rainbow|mailbox|mailboxes|user)-[a-z]+(?:-[a-z]+)*)"'
    reported = {found for file in files for found in re.findall(ids, file.read_text(encoding="utf-8"))}

    assert set(re.findall(r"^### ([a-z-]+)$", page("problems.md"), re.MULTILINE)) == reported


def test_every_text_that_is_reported_to_rainbow_stands_on_its_page_and_no_other_does() -> None:
    text = (PAGES.parent / "explanation" / "reported-to-rainbow.md").read_text(encoding="utf-8")
    text = text.partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]

    assert rows == [
        [
            f"`{failure.problem}`",
            failure.level,
            f"`{subject.category}`, `{failure.operation}`",
            failure.text.format("*n*"),
            failure.over,
        ]
        for subject in SUBJECTS
        for failure in subject.failures
    ]


def test_every_problem_that_is_reported_to_rainbow_is_one() -> None:
    documented = set(re.findall(r"^### ([a-z-]+)$", page("problems.md"), re.MULTILINE))

    assert {failure.problem for subject in SUBJECTS for failure in subject.failures} <= documented


def calls_in(text: str) -> list[tuple[str, str]]:
    """Give method and path of each call that a text names in code, as `GET /api/rainbow/…/<id>`."""
    named = re.findall(r"`(GET|POST|PUT|DELETE|HEAD|PATCH) (/api/rainbow/[^\s?`\[]+)", text)
    return [(method, re.sub(r"<[^>]*>", VALUE, path)) for method, path in named]


def test_every_call_that_can_be_sent_to_rainbow_stands_in_the_table_and_below_and_no_other_does() -> None:
    _, _, text = page("rainbow-wire.md").partition("## Call by call")
    table, _, below = text.partition("## Every request")
    made = {call: f"rainbow/{each.module}.py" for call, each in calls().items()}

    assert {call: module for call, module in made.items() if call not in calls_in(table)} == {}
    assert {call: module for call, module in made.items() if call not in calls_in(below)} == {}
    assert sorted(calls_in(table)) == sorted(made)
    assert set(calls_in(below)) - set(made) == set()


def test_the_table_says_of_each_call_whether_the_connection_repeats_it() -> None:
    rows = [line for line in page("rainbow-wire.md").splitlines() if re.match(r"\| `[A-Z]+ /api/rainbow/", line)]
    said = {calls_in(row)[0]: row.split("|")[-2].strip() for row in rows if row.endswith((" yes |", " no |"))}

    assert said == {call: "yes" if each.again else "no" for call, each in calls().items()}


def test_calls_to_rainbow_are_found_in_the_code() -> None:
    """Some that are known, so that the test above cannot come to see nothing."""
    assert {
        ("GET", "/api/rainbow/authentication/v1.0/login"),
        ("GET", "/api/rainbow/admin/v1.0/users"),
        ("POST", "/api/rainbow/calendarprovider/v1.0/notify"),
        ("POST", "/api/rainbow/admin/v1.0/connectors/events"),
        ("POST", "/api/rainbow/massprovisioning/v1.0/users/imports/synchronize/<…>/report"),
        ("HEAD", "/api/rainbow/ucs/v1.0/connections/<…>"),
    } <= set(calls())


def test_every_step_and_every_cause_of_the_check_stands_on_its_page_and_no_other_does() -> None:
    steps, _, causes = page("check.md").partition("## Causes")
    rows = [row.split("|")[1:3] for row in steps.partition("## Steps")[2].splitlines() if row.startswith("| `")]
    assert {name for first, _ in rows for name in re.findall(r"`([a-z-]+)`", first)} <= set(TITLES)
    assert {name for cells in rows for name in re.findall(r"`([a-z-]+)`", "".join(cells))} >= set(TITLES)

    package = PAGES.parent.parent / "rainbow_exchange" / "diagnosis" / "check"
    written = "".join(file.read_text(encoding="utf-8") for file in package.glob("*.py"))
    used = set(re.findall(r'Cause\(\s*f?"([a-z{}._-]+)"', written))
    used = {name.replace("{self.side}", side) for name in used for side in ("exchange", "rainbow")}
    used |= {f"{side}-certificate-{what}" for side in ("exchange", "rainbow") for what in ("expires", "unverified")}
    problems = set(re.findall(r"^### ([a-z-]+)$", page("problems.md"), re.MULTILINE))
    cells = [line.split("|")[1] for line in causes.splitlines() if line.startswith("| `")]
    own = {name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell) if "-" in name}
    assert used - problems - {"rainbow-certificate-unverified"} == own


def test_every_call_of_a_command_stands_on_the_page_of_the_status() -> None:
    source = (PAGES.parent.parent / "rainbow_exchange" / "local_calls.py").read_text(encoding="utf-8")
    named = re.findall(r'^        "([a-z-]+)": ', source.partition("return {\n")[2], re.MULTILINE)

    assert set(re.findall(r"^\| `POST /api/([a-z-]+)`", page("status.md"), re.MULTILINE)) == {*named, "sign-in"}
    assert len(named) > 8
