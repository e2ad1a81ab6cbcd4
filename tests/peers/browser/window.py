"""A window of a browser on the local page, which notes whatever a developer's console would show."""

import importlib
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: what the accessibility rules are called that a page must obey, and what of their findings nobody may overlook
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SERIOUS = {"serious", "critical"}
_STREAM = "/live"


@dataclass
class Window:
    """One tab, signed in or not; `complaints` must be empty at the end of a test."""

    page: Any
    base: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("requestfailed", self._on_failed)
        self.page.on("request", self._on_request)

    def go(self, path: str, *, status: int = 200) -> "Window":
        """Open a path of the local page, or an address, as from the address bar; `status` is what it must answer."""
        answer = self.page.goto(path if "://" in path else self.base + path)
        assert answer is None or answer.status == status, (path, answer.status, self.text())
        if status >= HTTPStatus.BAD_REQUEST:  # the console says so, too
            self.complaints = [each for each in self.complaints if f"status of {status}" not in each]
        return self

    def text(self) -> str:
        """Everything that can be read on the page."""
        shown: str = self.page.locator("body").inner_text()
        return shown

    def findings(self, *, serious_only: bool = True) -> list[str]:
        """What the accessibility rules find: rule, how bad it is, and where."""
        axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
        options = {"resultTypes": ["violations"]} | ({"runOnly": RULES} if serious_only else {})
        found = axe.run(self.page, options=options).response["violations"]
        return [
            f"{each['id']} ({each['impact']}): {', '.join(str(node['target'][0]) for node in each['nodes'][:5])}"
            f" {each['nodes'][0].get('failureSummary', '')}"
            for each in found
            if not serious_only or each["impact"] in SERIOUS
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider

    def resize(self, width: int, height: int = 800) -> "Window":
        self.page.set_viewport_size({"width": width, "height": height})
        return self

    def shot(self, file: Path) -> None:
        """Write a picture of the whole page."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=file, full_page=True, animations="disabled", caret="hide")

    def focused(self) -> str:
        """Tell what has the focus: its kind of element, and what it is called; "" for nothing on the page."""
        said: str = self.page.evaluate(
            """() => {
                const one = document.activeElement;
                if (one === document.body) return '';
                const label = one.labels && one.labels.length ? one.labels[0].innerText : '';
                return `${one.localName} ${(label || one.getAttribute('aria-label') || one.innerText || '').trim()}`;
            }"""
        )
        return said

    def focus_is_seen(self) -> bool:
        """Whether an outline goes around what has the focus, inside the window."""
        seen: bool = self.page.evaluate(
            """() => {
                const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
                const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                return outlined && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
            }"""
        )
        return seen

    def _on_console(self, message: Any) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.complaints.append(f"console: {message.text} at {message.location.get('url')}")

    def _on_failed(self, request: Any) -> None:
        # whoever leaves a page breaks its stream of updates off
        if not (urlsplit(request.url).path.startswith(_STREAM) and "ERR_ABORTED" in (request.failure or "")):
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _on_request(self, request: Any) -> None:
        if urlsplit(request.url)[:2] != urlsplit(self.base)[:2]:
            self.complaints.append(f"elsewhere: {request.url}")


@dataclass
class Browser:
    """Opens windows that do not know of each other."""

    chromium: Any
    opened: list[Window] = field(default_factory=list)

    def window(
        self,
        base: str,
        *,
        language: str = "en",
        colours: str = "light",
        width: int = 1280,
        height: int = 800,
        script: bool = True,
    ) -> Window:
        context = self.chromium.new_context(
            locale=language,
            color_scheme=colours,
            viewport={"width": width, "height": height},
            java_script_enabled=script,
            reduced_motion="reduce",
            timezone_id="Europe/Paris",
        )
        context.set_default_timeout(90_000)
        window = Window(context.new_page(), base)
        self.opened.append(window)
        return window

    def close(self) -> list[str]:
        """Close all windows; return what they complained of."""
        complaints = [each for window in self.opened for each in window.complaints]
        for window in self.opened:
            window.page.context.close()
        self.opened.clear()
        return complaints
