"""The documentation as `make docs` builds it, read in a browser: nothing from elsewhere, and a search that forgives."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.peers.browser.documentation import Documentation, folder, open_documentation
from tests.peers.browser.window import Browser

pytestmark = [pytest.mark.peer]

#: what an administrator pastes, with what is only theirs in it; the page that has it
PASTED = {
    'Error: exchange.usr ("C:\\ProgramData\\rainbow-exchange\\config.toml", line 4) is not a setting; did you mean'
    " exchange.url?": "reference/messages/settings",
    "ErrorExceededConnectionCount from srv-ex02.contoso.example (10.20.30.40:443) at 08:03:11": "how-to/throttling",
    "CN=Contoso Root CA 7: an inspecting proxy's authority of fw-lyon-3": "how-to/certificates",
}


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/favicon.ico":  # browsers ask for it by themselves
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  (its name is http.server's)
        pass


@contextmanager
def served(root: Path) -> Iterator[str]:
    """Serve a folder, as a company's own web server would."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def documentation(browser: Browser) -> Documentation:
    """Give the documentation from the disk, as after a double click on index.html."""
    return open_documentation(browser, folder().as_uri())


@pytest.mark.parametrize("pasted", PASTED)
def test_a_pasted_message_finds_its_page_in_spite_of_what_is_only_somebodys_own(
    documentation: Documentation, pasted: str
) -> None:
    assert PASTED[pasted] in documentation.pages(pasted)[:3]


def test_a_word_that_stands_nowhere_changes_nothing(documentation: Documentation) -> None:
    assert documentation.ask("streamed mailboxes polled") == documentation.ask("streamed xyzzyplugh mailboxes polled")
    assert documentation.ask("xyzzyplugh") == []


def test_the_page_that_is_called_like_the_query_comes_first(documentation: Documentation) -> None:
    for query, page in {
        "proxies": "how-to/proxies",
        "Exit codes": "reference/exit-codes",
        "upgrade, and go back": "how-to/upgrade",
        "exchange.allowed_hosts": "reference/settings",
    }.items():
        assert documentation.pages(query)[0] == page


def test_what_is_asked_in_french_finds_the_french_page_with_accents_or_without(documentation: Documentation) -> None:
    for query in (
        "dépannage",
        "Depannage",
        "le mot de passe du compte de service a expiré",
        "certificat expire",
        "quelqu'un est montré libre pendant un rendez-vous",
    ):
        assert documentation.pages(query)[0] == "fr/depannage", query


def test_a_french_page_does_not_come_before_the_english_one_that_it_repeats(documentation: Documentation) -> None:
    for query in ("mailbox-impersonation-denied", "exchange-unreachable", "Troubleshooting", "See it work"):
        pages = documentation.pages(query)
        assert not pages[0].startswith("fr/"), query


def test_a_heading_that_says_the_same_is_led_to(documentation: Documentation) -> None:
    place, title = documentation.ask("exchange.allowed_hosts")[0]

    assert place.startswith("reference/settings#")
    assert title == "Settings > exchange.allowed_hosts"


def test_quotes_punctuation_and_case_do_not_matter(documentation: Documentation) -> None:
    plain = documentation.ask("certificate authority trusted")

    assert plain
    assert documentation.ask('"Certificate"  (AUTHORITY): «trusted»!') == plain


def test_a_query_may_hold_anything(documentation: Documentation) -> None:
    for query in ("constructor __proto__ hasOwnProperty", "((([", "\\", "a" * 10_000, "-", "\N{SNOWMAN} 'or' 1=1"):
        assert isinstance(documentation.ask(query), list)


@pytest.mark.parametrize("way", ["from the disk", "served"])
def test_what_is_found_is_shown_and_can_be_opened(browser: Browser, way: str) -> None:
    with served(folder()) as address:
        documentation = open_documentation(browser, address if way == "served" else folder().as_uri())
        shown = documentation.type("exchange.allowed_hosts of xyzzyplugh-ex02")
        assert shown[0].startswith("reference/settings.html#")

        documentation.window.page.locator("ul.search > li > a").first.click()
        assert documentation.window.page.get_by_role("heading", level=1).inner_text().startswith("Settings")


def test_every_page_asks_nothing_of_anybody_else(browser: Browser) -> None:
    """The window notes whatever is asked for outside of the folder, and whatever the console says."""
    pages = sorted(folder().rglob("*.html"))
    assert len(pages) > 40
    for colours, some in {"light": pages, "dark": pages[:3]}.items():
        window = browser.window(folder().as_uri(), colours=colours)
        for page in some:
            window.go(f"/{page.relative_to(folder()).as_posix()}")


def test_words_that_were_looked_for_are_marked_but_not_those_of_a_whole_message(documentation: Documentation) -> None:
    for query, marked in {
        "throttling policy": True,
        "Exchange refuses the user name or password by NTLM": False,
    }.items():
        documentation.type(query)
        page = documentation.window.page
        page.locator("ul.search > li > a").first.click()
        page.wait_for_load_state("load")
        assert (page.locator("article .highlighted").count() > 0) == marked, query


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pages_obey_the_rules_of_accessibility_and_fit_a_telephone(browser: Browser, colours: str) -> None:
    with served(folder()) as address:
        window = browser.window(address, colours=colours)
        for page in ("index", "search", "how-to/throttling", "reference/settings", "reference/messages/index"):
            window.go(f"/{page}.html")
            assert window.findings() == [], page
            assert window.resize(360).overflow() == 0, page
            window.resize(1280)


def test_no_page_names_a_resource_of_anybody_else() -> None:
    """Scripts, styles, fonts, pictures: links to read on are no resources."""
    resource = re.compile(
        r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=[\"'](?:https?:)?//[^\"']*"
        r"|<link\b[^>]*\bhref=[\"'](?:https?:)?//[^\"']*|url\(\s*[\"']?(?:https?:)?//[^)]*|@import\s+[\"'](?:https?:)?//"
    )
    found = {
        f"{path.name}: {hit[0]}"
        for path in folder().rglob("*")
        if path.suffix in {".html", ".css"}
        for hit in resource.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_only_what_is_for_readers_is_there() -> None:
    assert [path for path in folder().rglob("*") if path.suffix in {".py", ".md"} or "made" in path.parts] == []


def test_the_front_page_leads_on_by_who_somebody_is(browser: Browser) -> None:
    window = browser.window(folder().as_uri()).go("/index.html")

    captions = window.page.locator(".sidebar-tree .caption").all_text_contents()
    assert list(dict.fromkeys(each.partition(":")[0] for each in captions))[:4] == [
        "Tutorial",
        "How-to",
        "Reference",
        "Explanation",
    ]
    assert window.page.get_by_role("table").first.get_by_role("link").count() >= 5
