"""A picture of every view, in each form that somebody may see it in, on one page to look through."""

from pathlib import Path
from typing import Any

import pytest
from lxml import html
from lxml.html import builder

from tests.peers.browser.company import open_company
from tests.peers.browser.views import VIEWS, people
from tests.peers.browser.window import Browser
from tests.processes import World

pytestmark = [pytest.mark.peer]

FOLDER = Path(__file__).parents[3] / "build" / "screenshots"
FORMS: dict[str, dict[str, Any]] = {
    "light": {"colours": "light", "width": 1280, "height": 900},
    "dark": {"colours": "dark", "width": 1280, "height": 900},
    "phone": {"colours": "light", "width": 360, "height": 740},
}
LANGUAGES = ("en", "fr")
SIGN_IN, PERSON = "Sign in", "Person"


def picture(view: str, language: str, form: str) -> str:
    return f"{view.lower().replace(' ', '-')}-{language}-{form}.png"


def write_index(views: list[str]) -> None:
    """Write the page that shows them all: a row for each view and language, a column for each form."""
    rows = [builder.TR(builder.TH(), *(builder.TH(form) for form in FORMS))]
    for view in views:
        for language in LANGUAGES:
            names = [picture(view, language, form) for form in FORMS]
            cells = [builder.TD(builder.A(builder.IMG(src=name, alt=name, width="400"), href=name)) for name in names]
            rows.append(builder.TR(builder.TH(f"{view} ({language})"), *cells))
    page = builder.HTML(
        builder.HEAD(builder.META(charset="utf-8"), builder.TITLE("Every view")),
        builder.BODY(builder.H1("Every view"), builder.TABLE(*rows)),
        lang="en",
    )
    (FOLDER / "index.html").write_bytes(html.tostring(page, doctype="<!DOCTYPE html>", encoding="utf-8"))


def test_a_picture_of_every_view(browser: Browser, world: World) -> None:
    company, _ = open_company(world)
    for language in LANGUAGES:
        for form, how in FORMS.items():
            stranger = browser.window(company.base, language=language, **how)
            stranger.go("/", status=401).shot(FOLDER / picture(SIGN_IN, language, form))
            window = company.window(browser, language=language, **how)
            for view, path in (VIEWS | {PERSON: next(people(window))[1]}).items():
                window.go(path).shot(FOLDER / picture(view, language, form))
    write_index([SIGN_IN, *VIEWS, PERSON])
