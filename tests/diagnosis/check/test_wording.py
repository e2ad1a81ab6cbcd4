"""What only the service does is left out of what the check says; what a person can do stays."""

import ast
import re
from pathlib import Path

import pytest

from rainbow_exchange.bridge import causes, link_causes, sign_in_causes, way_causes
from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.diagnosis.check.wording import once

MODULES = (causes, link_causes, sign_in_causes, way_causes)


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("Check it. It is tried again by itself.", "Check it."),
        ("It is tried again by itself. If it stays, look it up.", "If it stays, look it up."),
        ("It is tried again by itself, after a minute, then hourly; at once by rainbow-exchange retry --all.", ""),
        (
            (
                "Check exchange.password. It was tried once and is not tried again, not even after a restart, until"
                " one of them changes: else the account would be locked. If only the account was mended:"
                " rainbow-exchange retry --all."
            ),
            "Check exchange.password.",
        ),
        (
            (
                "Check rainbow.proxy_password, then restart. A wrong password is tried once only, over restarts too, so"
                " that the account is not locked; rainbow-exchange retry --all tries it once more."
            ),
            "Check rainbow.proxy_password.",
        ),
        (
            "It goes on by itself. rainbow-exchange retry --all does not wait, if Rainbow's support says so.",
            "",
        ),
        ("Renew it (kinit), or use a keytab, which does so by itself.", None),
        ("Name the CA's certificate in exchange.ca_file (PEM).", None),
    ],
)
def test_what_only_the_service_does_is_left_out(action: str, left: str | None) -> None:
    expected = action if left is None else left or "Run this again later."
    assert once(Cause("id", "Text.", action)) == Cause("id", "Text.", expected)


def test_a_refusal_that_was_remembered_is_told_with_the_way_to_send_it_once_more() -> None:
    said = once(Cause("id", "Refused. It is tried again by itself at 2026-03-02 08:05 UTC.", "Check it."), sent=False)

    assert said.text == "Refused."
    assert said.action.startswith("Check it. That was before: they were not sent again")
    assert "--try-again" in said.action


def test_no_text_of_the_service_slips_through() -> None:
    """Every text in the modules of causes, so that a new sentence about trying again is met by the pattern."""
    texts = {
        node.value
        for module in MODULES
        for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith((".", " "))
    }
    whole = {text for text in texts if re.match(r"\s*[A-Z]", text) and text.endswith(".") and "`" not in text}
    slipped = [
        text
        for text in whole
        if re.search(r"tried again|by itself\.", once(Cause("id", "", text)).action) and "keytab" not in text
    ]

    assert len(whole) > 50
    assert slipped == []
