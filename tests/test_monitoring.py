"""The dashboard and the alerts of docs/monitoring name what there is, and say what an administrator needs to read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.made.metrics import scraped
from rainbow_exchange.metrics.table import METRICS
from tests.test_docs import anchors

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
TESTS = (FOLDER / "alerts_test.yml").read_text(encoding="utf-8")
NAMES = re.findall(r"^      - alert: (.*)$", ALERTS, re.MULTILINE)
#: unit in Grafana → what the values are then; the dashboard uses no others
UNITS = {"none", "short", "s", "percentunit", "bytes", "cpm"}
#: of a histogram
PARTS = ("_bucket", "_sum", "_count")


def unknown(expression: str) -> list[str]:
    """Give the names in an expression that no metric has, and the labels that its metric has not."""
    known = {scraped(name, each): each for name, each in METRICS.items()}
    known |= {
        scraped(n, each) + part: each for n, each in METRICS.items() if each.kind == "histogram" for part in PARTS
    }
    found = []
    for name, chosen in re.findall(r"\b(rainbow_exchange_\w+)(\{[^}]*\})?", expression):
        if name not in known or (known[name].kind == "histogram" and not name.endswith(PARTS)):
            found.append(name)
            continue
        for label, _, value in re.findall(r'(\w+)(=~|!=|!~|=)"([^"]*)"', chosen):
            values = known[name].labels.get(label, ())
            if label == "instance" or (isinstance(values, str) and values):
                continue
            found += [f"{name}: {label}={each}" for each in value.split("|") if each not in values]
    return found


def rule(name: str) -> str:
    """Give the text of one alert."""
    return ALERTS.split(f"- alert: {name}\n")[1].split("- alert: ")[0]


def test_what_is_not_there_would_be_found() -> None:
    assert unknown('sum(rainbow_exchange_nothing) + rainbow_exchange_mailboxes{coverage="lost"}') == [
        "rainbow_exchange_nothing",
        "rainbow_exchange_mailboxes: coverage=lost",
    ]
    assert unknown("rate(rainbow_exchange_told_latency_seconds[5m])") == ["rainbow_exchange_told_latency_seconds"]


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_shows_what_there_is_with_title_unit_and_description(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith((".", "?"))
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
    for target in panel["targets"]:
        assert unknown(target["expr"]) == []
        assert target["datasource"] == panel["datasource"]
        # each number is that of the connectors chosen at the top
        selectors = re.findall(r"\b((?:rainbow_exchange|process)_\w+)(\{[^}]*\})?", target["expr"])
        assert all('instance=~"$instance"' in chosen for _, chosen in selectors)


def test_no_panel_divides_by_nothing_or_shows_no_number() -> None:
    """Before the users are listed there is no mailbox, and in a quiet hour a quantile is NaN."""
    asked = {(panel["title"], target["refId"]): target["expr"] for panel in PANELS for target in panel["targets"]}
    divided = {title: by for title, expression in asked.items() if (by := expression.partition(" / ")[2])}
    assert set(divided) == {("Mailboxes watched", "A")}
    assert all(by.endswith(" > 0)") for by in divided.values())
    alone = {panel["title"] for panel in PANELS if panel["type"] == "stat"}
    quantiles = {key: each for key, each in asked.items() if key[0] in alone and "histogram_quantile" in each}
    assert set(quantiles) == {("Told within", "A"), ("Told within", "B")}
    assert all(each.endswith(" >= 0") for each in quantiles.values())


def test_the_first_panel_is_not_green_when_nobody_answers() -> None:
    shown = next(panel for panel in PANELS if panel["title"] == "State")["fieldConfig"]["defaults"]
    assert shown["noValue"] == "does not answer"
    assert [step["color"] for step in shown["thresholds"]["steps"]] == ["red"]


def test_the_dashboard_can_be_imported() -> None:
    """What Grafana's own importer looks at: no id, panels with ids and places of their own, a source to choose."""
    assert DASHBOARD["id"] is None
    assert DASHBOARD["schemaVersion"] >= 39
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("Rainbow Exchange connector", "rainbow-exchange")
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + column, place["y"] + line) for column in range(place["w"]) for line in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Is all well", "Changes", "Exchange", "Rainbow", "People", "Process"]
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_says_how_bad_it_is_and_leads_to_the_page_that_helps(name: str) -> None:
    text = rule(name)
    expression = text.split("expr:")[1].split("labels:")[0]
    assert unknown(expression) == []
    assert re.search(r"severity: (critical|warning)\n", text)
    assert re.search(r"summary: ", text)
    assert re.search(r"description: ", text)
    found = re.search(r'documentation: "?(docs/\S+?\.md)(?:#([^"\n]+))?"?\n', text)
    assert found is not None
    assert (ROOT / found[1]).is_file()
    if found[2] == "{{ $labels.id }}":  # tests of problems.md hold a heading there to each id
        assert found[1] == "docs/reference/problems.md"
        assert expression.strip().startswith("rainbow_exchange_problem_open{")
    else:
        assert found[2] is None or found[2] in anchors(ROOT / found[1])
    for problem in re.findall(r"problem: ([a-z-]+)\n", text):
        assert problem in anchors(FOLDER.parent / "reference" / "problems.md")


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_tested_both_ways(name: str) -> None:
    """`promtool test rules` runs them, in tests/peers."""
    fires = re.findall(rf"exp_samples:\n *- labels: 'ALERTS{{alertname=\"{name}\"[^}}]*}}'\n *value: 1\n", TESTS)
    silent = re.findall(
        rf'ALERTS{{alertstate="firing", alertname="{name}"}}\n *eval_time: \w+\n *exp_samples: \[\]', TESTS
    )
    assert len(fires) >= 1
    assert len(silent) >= 2


def test_pages_name_no_metric_that_there_is_not() -> None:
    whole = {scraped(name, each) for name, each in METRICS.items() if each.kind == "histogram"}
    pages = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")}
    named = {name: set(unknown(text)) - whole for name, text in pages.items()}
    assert {name: found for name, found in named.items() if found} == {}
    assert len(re.findall(r"`rainbow_exchange_\w+`", "".join(pages.values()))) > len(METRICS)
