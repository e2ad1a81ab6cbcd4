"""The views of the local page, by what its navigation calls them, and what stands on a page to be read."""

import getpass
import re
from collections.abc import Iterator
from typing import Any

from tests.peers.browser.window import Window

VIEWS = {
    "Overview": "/",
    "People": "/people",
    "Streams": "/streams",
    "Activity": "/activity",
    "Problems": "/problems",
    "Set-up": "/set-up",
    "Support": "/support",
}
#: text nodes and what stands in their place for some; not what no language changes: code, and the languages' own names
_TEXTS = """() => {
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const inside = walker.currentNode.parentElement;
        if (!inside.closest('script, style, code, pre, kbd, .brand, [translate=no], .languages'))
            texts.push(walker.currentNode.data);
    }
    for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'data-name', 'aria-description'])
        for (const each of document.querySelectorAll(`[${name}]`)) texts.push(each.getAttribute(name));
    return texts;
}"""
#: the same in both languages
_SAME = {
    "Exchange",
    "Rainbow",
    "2. Rainbow",
    "Absence",
    "Questions",
    "Support",
    "Version",
    "Pause",
    "OAuth",
    "NTLM",
    "Basic",
    "Type",
    "Date",
    "Messages",
    "Notifications",
    "Pages",
    "Page",
    "Action",
    "Actions",
    "Certificat",
    "Code",
    "Minute",
}
#: what no language changes: addresses, hosts and ports, numbers with their units, codes, ids, settings, JSON, versions
_DATA = re.compile(
    r"""
    \S+@\S+ | https?://\S+ | \d{1,3}(\.\d{1,3}){3}(:\d+)? | [v\u2212]?\d[\d.,:/\s%-]*(ms|s|min|minutes?|h|MB|d)?
    | Error[A-Z]\w+ | [a-z0-9]+(-[a-z0-9]+)+ | [\w-]+(\.[\w-]+)+ | (variable\ )?RAINBOW_EXCHANGE_\w+ | [0-9a-f]{16,}
    | /[\w./\ -]+ | p(50|99)\b.* | rainbow-exchange\ [\d.]+ | ".*" | \[.*\] | \{.*\} | true | false | null | XMPP
    | Python\ [\d.]+ | docs/[\w./-]+
    """,
    re.VERBOSE,
)
_BETWEEN = re.compile(r" [·\u2013|] |, | ?[()]")


def texts(window: Window) -> set[str]:
    """Give what can be read on a page, white space aside, without what has no letter."""
    found = (" ".join(text.split()) for text in window.page.evaluate(_TEXTS))
    return {text for text in found if re.search(r"[^\W\d_]", text)}


def not_translated(english: set[str], french: set[str], names: set[str]) -> set[str]:
    """Give what reads the same in both and is neither data nor one of `names`, nor made of them."""

    def is_data(text: str) -> bool:
        return not text or text in _SAME or text in names or _DATA.fullmatch(text) is not None

    return {
        text
        for text in english & french
        if not is_data(text) and not all(is_data(part) for part in _BETWEEN.split(text))
    }


def names_of(lab: Any) -> set[str]:
    """Give what the lab calls people and their company, and who runs all this."""
    users = lab.rainbow("GET", "/lab/users")
    keys = ("firstName", "lastName", "displayName", "companyName", "loginEmail", "companyId")
    return {str(user[key]) for user in users for key in keys if user.get(key)} | {getpass.getuser()}


def people(window: Window) -> Iterator[tuple[str, str]]:
    """Give the links of the view of people that lead to somebody: what is shown, and where to."""
    window.go("/people")
    for link in window.page.get_by_role("main").get_by_role("link").all():
        target = link.get_attribute("href") or ""
        if target.startswith("/people/"):
            yield link.inner_text(), target
