"""The page on Exchange's wire has every operation, field that is asked for and ResponseCode, and no other."""

import asyncio
import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from lxml import etree

from rainbow_exchange.ews import operations
from rainbow_exchange.ews.endpoint import request_headers
from rainbow_exchange.ews.grouping import Affinity
from rainbow_exchange.ews.rhythm import is_elsewhere, rhythm_of
from rainbow_exchange.ews.treatment import TABLE
from rainbow_exchange.ews.types import ConnectingSid
from rainbow_exchange.lab.exchange.mailbox import Right
from tests.house import House, now, virtually

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference" / "exchange-wire.md").read_text(encoding="utf-8")
#: what a template asks for, by the element that says it
ASKED = ("FieldURI", "EventType", "Setting", "MailTipsRequested", "ConfigurationName", "RequestedView", "BaseShape")


def section(title: str) -> str:
    """Give what stands below a heading, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Give the cells of each row that begins with code."""
    return [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if re.match(r"\| \[?`", line)
    ]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def sent() -> dict[str, str]:
    """Give the template of each operation that there is a module for, by the operation's name."""
    assert operations.__file__ is not None
    modules = [
        import_module(f"{operations.__name__}.{path.stem}")
        for path in Path(operations.__file__).parent.glob("[a-z]*.py")
    ]
    return {
        each.NAME: each.TEMPLATE for module in modules for each in vars(module).values() if hasattr(each, "TEMPLATE")
    }


def test_every_operation_and_its_template_stand_in_the_table_and_have_a_section_and_no_other_does() -> None:
    named = dict(code(row[0]) for row in rows(section("Call by call")))
    assert named == sent()
    assert set(named.values()) == {path.stem for path in (ROOT / "soap_templates").glob("*.xml")}
    headings = set(re.findall(r"^## (\w+)$", PAGE, flags=re.MULTILINE)) - {"ResponseCodes"}
    assert headings == set(named)


def test_whatever_a_template_asks_for_stands_in_its_section() -> None:
    missing = {}
    for name, template in sent().items():
        document = etree.parse(ROOT / "soap_templates" / f"{template}.xml")
        wanted = {
            element.get("FieldURI") or (element.text or "").strip()
            for kind in ASKED
            for element in document.iter(f"{{*}}{kind}")
        }
        if lacking := wanted - {"", *code(section(name))}:
            missing[name] = lacking
    assert missing == {}


def test_no_field_of_an_appointment_stands_there_that_is_not_asked_for() -> None:
    fields = {each for each in code(section("FindItem")) if re.match(r"(item|calendar):", each)}
    template = (ROOT / "soap_templates" / "find_item.xml").read_text(encoding="utf-8")
    assert fields == set(re.findall(r'FieldURI="([^"]+)"', template))


def test_every_header_stands_there() -> None:
    affinity = Affinity("ada@acme.test", {"X-BackEndOverrideCookie": "exch01~1"})
    heads = request_headers(ConnectingSid(kind="PrimarySmtpAddress", value="ada@acme.test"), None, affinity)
    table, _, _ = section("Every request").partition("| Limit |")
    added_by_the_connection = {"Content-Length", "Accept-Encoding", "Authorization"}
    assert {name for row in rows(table) for name in code(row[0])} == set(heads) | added_by_the_connection


def test_every_response_code_stands_there_with_its_treatment_and_no_other_does() -> None:
    table, _, _ = section("ResponseCodes").partition("And besides")
    said = {name: (cells[1], cells[2], cells[3]) for cells in rows(table) for name in code(cells[0])}
    held = {
        name: (str(how), str(rhythm_of(name)), "yes" if is_elsewhere(name) else "no") for name, how in TABLE.items()
    }
    held["NoError"] = ("success", "", "")
    assert said == held
    assert len(said) == sum(len(code(cells[0])) for cells in rows(table)), "one stands there twice"


@pytest.mark.parametrize("impersonation", [True, False])
def test_as_whom_each_is_sent_is_as_the_table_says(tmp_path: Path, *, impersonation: bool) -> None:
    said = {code(row[0])[0]: row[2].startswith("impersonated") for row in rows(section("Call by call"))}

    async def test() -> None:
        company = House(tmp_path, 3, impersonation=impersonation, right=Right.REVIEWER)
        async with company.at_work():
            company.appointment(company.people[0].login_email, start=now() + timedelta(hours=1))
            await asyncio.sleep(90)
        sent_as = {(each.operation, bool(each.impersonated)) for each in company.exchange.record._requests}
        sent_as = {(name, owner) for name, owner in sent_as if name}
        seen = {name for name, _ in sent_as}
        assert sent_as == {(name, impersonation and said[name]) for name in seen}
        assert {"Subscribe", "GetStreamingEvents", "Unsubscribe", "GetMailTips", "GetPasswordExpirationDate"} <= seen
        assert ("FindItem" in seen, "GetUserAvailability" in seen) == (impersonation, not impersonation)
        assert ("GetUserOofSettings" in seen) == impersonation

    virtually(test)


def test_the_table_can_be_read_at_all() -> None:
    """Some that are known, so that the tests above cannot come to see nothing."""
    assert sent()["GetStreamingEvents"] == "get_streaming_events"
    assert ["`ErrorProxyRequestNotAllowed`", "subscription lost", "back-off", "yes"] in [
        cells[:4] for cells in rows(section("ResponseCodes"))
    ]
