"""The built documentation in a browser: its search, as it is asked by a person or many times at once."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.peers.browser.window import Browser, Window

_VARIABLE = "RAINBOW_EXCHANGE_TEST_DOCS"
#: what the search page does with a query, but for showing what it finds; the best comes last
_ASK = """query => {
    const found = Search._performSearch(...Search._parseQuery(query));
    return found.reverse().map(([page, title, anchor]) => [page + anchor, title]);
}"""


def folder() -> Path:
    """Give the folder of the built documentation, or skip the test."""
    named = os.environ.get(_VARIABLE)
    if not named:
        pytest.skip(f"no built documentation: make docs, and {_VARIABLE}=build/docs")
    return Path(named).absolute()


@dataclass
class Documentation:
    """The search page, opened in a window."""

    window: Window

    def ask(self, query: str) -> list[tuple[str, str]]:
        """Give what the search finds, the best first: page with anchor, as `reference/problems#titles`, and title."""
        return [(page, title) for page, title in self.window.page.evaluate(_ASK, query)]

    def pages(self, query: str) -> list[str]:
        """Give the pages that the search finds, the best first, each once."""
        return list(dict.fromkeys(page.partition("#")[0] for page, _ in self.ask(query)))

    def all_pages(self, queries: list[str]) -> list[list[str]]:
        """Do so for many queries at once."""
        found = self.window.page.evaluate(f"queries => queries.map({_ASK})", queries)
        return [list(dict.fromkeys(page.partition("#")[0] for page, _ in each)) for each in found]

    def type(self, query: str) -> list[str]:
        """Ask as a person does; give the addresses of what is shown, as they stand in the links."""
        self.window.go(f"/search.html?q={quote(query)}")
        self.window.page.get_by_role("heading", name="Search Results").wait_for()
        shown: list[str] = self.window.page.locator("ul.search > li > a").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        return shown


def open_documentation(browser: Browser, base: str) -> Documentation:
    """Open the search page, below an address or from the disk, and wait until it can be asked."""
    window = browser.window(base)
    window.go("/search.html")
    window.page.wait_for_function("typeof Search !== 'undefined' && Search.hasIndex()")
    return Documentation(window)
