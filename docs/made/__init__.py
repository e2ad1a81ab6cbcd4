"""Parts of pages that are written by the code: `make reference` puts them in, and a test looks whether they still fit.

Each module here has `PAGE`, its path below docs/, and `parts()`: by name, the Markdown of each part. On the page a part
stands between two lines that a reader does not see, so that the page can be read on a forge, too:

    <!-- made from the code by `make reference`: NAME -->
    …
    <!-- made: end -->

What stands outside of them is written by hand. A new module is found by itself.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

DOCS = Path(__file__).parent.parent
SOURCE = "made from the code by `make reference`"
_END = "<!-- made: end -->"


class Made(Protocol):
    """What each module here has."""

    PAGE: str

    def parts(self) -> Mapping[str, str]:
        """Give each part by its name."""
        ...


def _modules() -> Iterator[Any]:
    for each in pkgutil.iter_modules(__path__):
        if each.name != "__main__":
            yield importlib.import_module(f"{__name__}.{each.name}")


MODULES: tuple[Made, ...] = tuple(each for each in _modules() if hasattr(each, "PAGE"))


def fill(text: str, parts: Mapping[str, str], *, source: str = SOURCE) -> str:
    """Give a page's text with each of its parts as it is now. Raises ValueError where page and parts do not agree.

    `source` is what the comment above a part says of where it comes from: parts of another source stay.
    """
    part = re.compile(rf"^<!-- {re.escape(source)}: (.+?) -->\n(.*?)^{_END}$", re.MULTILINE | re.DOTALL)
    named = [found[1] for found in part.finditer(text)]
    if sorted(named) != sorted(parts):
        lacking = ", ".join(sorted(parts.keys() - set(named))) or "none"
        unknown = ", ".join(sorted(set(named) - parts.keys())) or "none"
        raise ValueError(f"the page has no place for these parts: {lacking}; and places that nothing fills: {unknown}")
    return part.sub(lambda found: f"<!-- {source}: {found[1]} -->\n\n{parts[found[1]].strip()}\n\n{_END}", text)


def made_anew(module: Made) -> tuple[Path, str]:
    """Give a module's page and the text it should have. Raises ValueError, which names the page."""
    page = DOCS / module.PAGE
    try:
        return page, fill(page.read_text(encoding="utf-8"), module.parts())
    except ValueError as error:
        raise ValueError(f"docs/{module.PAGE}: {error}") from error
