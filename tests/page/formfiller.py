"""A browser without a script: it loads a page, fills a form in by its visible labels, and presses a button."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from lxml import html


def words(element: Any) -> str:
    """Give what can be read of an element, in one line."""
    return " ".join(" ".join(element.itertext()).split())


class FormFiller:
    """Signed in to the local page at `base`; `page` is what it sees, `at` where, `part` what of it is scrolled to."""

    def __init__(self, client: aiohttp.ClientSession, base: str) -> None:
        self._client = client
        self.base = base
        self.at = self.part = ""
        self.page: Any = None

    async def go(self, path: str) -> "FormFiller":
        """Load a page."""
        async with self._client.get(self.base + path) as answer:
            assert answer.status == 200, (answer.status, await answer.text())
            self.at, self.page = path, html.fromstring(await answer.text())
        return self

    def text(self, part: str = "main") -> str:
        """Give what can be read of the element with this id."""
        return words(self.page.get_element_by_id(part))

    def box(self, label: str) -> Any:
        """Give the box with this label."""
        [found] = [each for each in self.page.iter("label") if words(each) == label]
        return self.page.get_element_by_id(found.get("for"))

    def about(self, label: str) -> str:
        """Give what is said of a box besides its label."""
        return " ".join(self.text(each) for each in self.box(label).get("aria-describedby", "").split())

    def buttons(self, part: str = "main") -> list[str]:
        return [words(each) for each in self.page.get_element_by_id(part).iter("button")]

    async def press(self, button: str, *, part: str = "main", **typed: str) -> int:
        """Press the button of this name; what is `typed` goes by the fields' names. Go where it leads."""
        [pressed] = [each for each in self.page.get_element_by_id(part).iter("button") if words(each) == button]
        form = next(pressed.iterancestors("form"))
        fields = {name: value for name, value in form.form_values() if name}
        for name, value in typed.items():
            boxes = form.xpath(f".//*[@name='{name}' and not(@disabled)]")
            assert boxes, f"no field {name}"
            assert boxes[0].get("id") is None or form.xpath(f"//label[@for='{boxes[0].get('id')}']"), (
                f"{name}: no label"
            )
            fields[name] = value
        if pressed.get("name"):
            fields[pressed.get("name")] = pressed.get("value")
        target = pressed.get("formaction") or form.get("action")
        headers = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        async with self._client.post(self.base + target, data=fields, headers=headers) as answer:
            self.page = html.fromstring(await answer.text())
            self.at, self.part = answer.url.path, answer.real_url.fragment
            return answer.status


@asynccontextmanager
async def form_filler(sign_in: str) -> AsyncIterator[FormFiller]:
    """Sign in by a link that lets in once."""
    parts = urlsplit(sign_in)
    base = f"{parts.scheme}://{parts.netloc}"
    # As a browser does it that opens a link which somebody has pasted.
    opened = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(sign_in, headers=opened, allow_redirects=False) as answer:
            assert answer.status == 303
        yield FormFiller(client, base)
