"""The page of problems gives each problem the severity that the code gives it, and says what its next step says."""

import ast
import re
from collections import defaultdict
from functools import cache

from rainbow_exchange.bridge import certificate_watch, password
from tests.messages.gathering import PRODUCT, ROOT

PAGE = ROOT / "docs" / "reference" / "problems.md"
#: whose severity grows as their time comes
GROWING = {
    "exchange-certificate-expires": {severity for _, severity in certificate_watch._SEVERITIES},
    "exchange-password-expires": {severity for _, severity in password._SEVERITIES},
}
#: found by a method of this name, which gives the severity first
FOUND_BY = {"exchange-certificate-intercepted": "intercepted", "exchange-certificate-unverified": "unverified"}
SHARING = "user-address-shared"
#: what a next step names: settings, commands, rights and what Exchange calls its own
NAMED = re.compile(
    r"\b(?:exchange|rainbow|bridge|web|log|state)\.[a-z_]{3,}\b|rainbow-exchange [a-z]+(?:-[a-z]+)*(?: --?\w+)?"
    r"|\b(?:ApplicationImpersonation|Reviewer|Ews[A-Z]\w+|MailTips)\b"
)


def documented() -> dict[str, set[str]]:
    found = re.findall(r"^### ([a-z-]+)\n\n(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: set(re.findall(r"\*\*(\w+)\*\*", text.partition(":")[0])) for name, text in found}


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """Give each call with the name of the function around it, and the constants of the module put into it."""
    found = []
    for file in sorted([*PRODUCT.glob("bridge/*.py"), *PRODUCT.glob("sides/*.py")]):
        module = ast.parse(file.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in module.body
            if isinstance(node, ast.Assign) and literal(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
            call.args = [constants.get(each.id, each) if isinstance(each, ast.Name) else each for each in call.args]
        for function in ast.walk(module):
            name = function.name if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else ""
            if name or isinstance(function, ast.Module):
                found += [(name, node) for node in ast.walk(function) if isinstance(node, ast.Call)]
    return found


def literal(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def reported(ids: set[str]) -> dict[str, set[str]]:
    """Read the severities out of the code, by the ways in which it gives them."""
    severities: dict[str, set[str]] = defaultdict(set)
    for function, call in calls():
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        first = literal(call.args[0]) if call.args else ""
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called == "report" and first in ids and literal(named.get("severity")):
            severities[first].add(literal(named["severity"]))
        elif called == "Hold" and literal(named.get("problem")):
            severities[literal(named["problem"])].add(literal(named.get("severity")) or "error")
        elif called == "Trouble" and function == "sharing":
            severities[SHARING].add(first)
        elif called == "Warned":
            for name in (name for name, method in FOUND_BY.items() if method == function):
                severities[name].add(first)
        elif called in {"Cause", "Trouble"} and first in ids:  # what one side as a whole cannot do without
            severities[first].add("error")
    severities.update(GROWING)
    return severities


def of_people() -> dict[str, set[str]]:
    """Read the table of those troubles that single people have."""
    tree = ast.parse((PRODUCT / "bridge" / "troubles.py").read_text(encoding="utf-8"))
    return {
        literal(key): {literal(value.args[0])}
        for table in ast.walk(tree)
        if isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(value, ast.Call) and value.args
    }


def test_each_problem_has_the_severity_on_its_page_that_the_code_gives_it() -> None:
    page = documented()
    assert page == reported(set(page)) | of_people()


def named_by_next_steps(ids: set[str]) -> dict[str, set[str]]:
    """Read out of the code what each problem's next step names, where it stands beside the problem's id."""
    found: dict[str, set[str]] = defaultdict(set)
    steps: list[tuple[str, list[ast.expr]]] = []
    for _, call in calls():
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        name = literal(call.args[0]) if call.args else literal(named.get("problem"))
        steps.append((name, [named["action"]] if "action" in named else call.args[2:]))
    tree = ast.parse((PRODUCT / "bridge" / "troubles.py").read_text(encoding="utf-8"))
    for table in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
        pairs = zip(table.keys, table.values, strict=True)
        steps += [(literal(key), value.args[3:]) for key, value in pairs if isinstance(value, ast.Call)]
    for name, texts in steps:
        for text in (node.value for each in texts for node in ast.walk(each) if isinstance(node, ast.Constant)):
            if name in ids and isinstance(text, str):
                found[name].update(NAMED.findall(text))
    return found


def test_what_the_next_step_of_a_problem_names_is_named_on_its_page() -> None:
    parts = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    page = {part.partition("\n")[0]: part for part in parts}
    named = named_by_next_steps(set(page))

    assert sum(map(len, named.values())) > 25
    assert named["rainbow-changes-waiting"] == {"rainbow-exchange retry --all"}
    assert {(name, each) for name, all_named in named.items() for each in all_named if each not in page[name]} == set()


def test_each_problem_has_a_meaning_and_something_to_do() -> None:
    parts = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [
        part for part in parts if not re.search(r"^\*\*\w+\*\*.*: \w.+\.\n\n\*\*Do:\*\* \w", part, re.MULTILINE)
    ] == []


def test_severities_are_read_out_of_the_code() -> None:
    """Some that are known, so that the test above cannot come to see nothing."""
    found = reported(set(documented())) | of_people()
    assert found["exchange-authentication"] == {"error"}
    assert found["rainbow-switched-off"] == {"notice"}
    assert found["mailbox-denied"] == {"warning"}
    assert found["exchange-certificate-expires"] == {"notice", "warning", "error"}
