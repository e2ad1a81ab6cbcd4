"""How Sphinx makes pages to read in a browser of this folder: `make docs` (https://www.sphinx-doc.org).

The pages are Markdown that reads well on a forge, too: navigation comes from the lists of the index pages, so that no
directive has to stand in them.
"""

import re
import sys
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

from sphinx.addnodes import download_reference
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

project = "rainbow-exchange"
release = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
sys.path.insert(0, str(Path(__file__).parent))
extensions = ["myst_parser", "message_index"]
exclude_patterns = ["made"]
#: as deep as headings go; their anchors are those of a forge
myst_heading_anchors = 6
highlight_language = "none"

html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["messages.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_use_index = False
#: beside Sphinx's own search: it has to find the page for a whole message
html_search_scorer = str(Path(__file__).parent / "search.js")


def trees(text: str) -> str:
    """Give the navigation that an index page's lists make: a part for each heading, with the pages in their order."""
    made, above = "", ""
    for level, title, below in re.findall(r"^(##+) (.+)\n((?:(?!##).*\n?)*)", text, flags=re.MULTILINE):
        above = title if level == "##" else above
        items = "\n".join(re.findall(r"^- .*$", below, flags=re.MULTILINE))
        pages = list(dict.fromkeys(re.findall(r"\]\(([\w/-]+)\.md\)", items)))
        if pages:
            caption = title if level == "##" else f"{above}: {title}"
            made += "\n".join(["\n```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```\n"])
    return made


def add_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    """Give each index page the navigation that its lists make."""
    if page.rpartition("/")[2] == "index":
        source[0] += trees(source[0])


def ease_reading(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Say what a screen reader needs: the language, how deep headings are; and let keys scroll what is wide."""
    context["language"] = "fr" if page.startswith("fr/") else "en"
    for part, before, after in (
        ("body", "<pre>", '<pre tabindex="0">'),
        ("furo_navigation_tree", ' role="heading"', ' role="heading" aria-level="2"'),
    ):
        context[part] = context.get(part, "").replace(before, after)


def keep_code_out(app: Sphinx, doctree: Any) -> None:
    """Show links to files outside of this folder as their words: a forge leads to them, readers need no copies."""
    for link in list(doctree.findall(download_reference)):
        if not Path(app.env.relfn2path(link["reftarget"])[1]).resolve().is_relative_to(app.srcdir):
            link.replace_self(link.children)


class Words(SearchEnglish):
    """The words of a page as the search knows them: `mailbox-denied` as a whole, and as its parts."""

    def split(self, input: str) -> list[str]:  # noqa: A002  (its name is Sphinx's)
        """Give the parts, and the whole of what dots or hyphens join, without accents; docs/search.js does alike."""
        plain = "".join(each for each in unicodedata.normalize("NFD", input) if not unicodedata.combining(each))
        return super().split(plain) + re.findall(r"\w+(?:[-.]\w+)+", plain)


def setup(app: Sphinx) -> dict[str, bool]:
    """Hang these into the build."""
    app.add_search_language(Words)
    app.connect("doctree-read", keep_code_out, priority=400)  # before Sphinx gathers what is to be downloaded
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", ease_reading, priority=900)  # after the theme has made its parts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
