"""An extension of Sphinx that lets the search page know the messages, word for word, and where each is explained.

The messages are the lines of the blocks of text on the pages of messages; docs/message_search.js finds them in a query.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # no types are published with it
from sphinx.application import Sphinx

PAGES = re.compile(r"(\w\w/)?reference/messages/")
SCRIPT = "messages.js"
#: codes of Exchange, of Rainbow and of HTTP, which people look for by themselves
_CODE = re.compile(r"\b(?:Error[A-Z]\w+|\d{3,6})\b")

_PLACE = re.compile(r"(<\w+>)")


def sections(app: Sphinx) -> Iterator[dict[str, Any]]:
    """Give each part of each page: page, titles, anchor, messages, codes."""
    for page in sorted(filter(PAGES.match, app.env.found_docs)):
        for section in app.env.get_doctree(page).findall(nodes.section):
            blocks = [block for block in section.children if isinstance(block, nodes.literal_block)]
            if section.parent is not None and isinstance(section.parent, nodes.section):
                yield {
                    "page": page,
                    "title": app.env.titles[page].astext(),
                    "heading": section[0].astext(),
                    "anchor": section["ids"][0],
                    "messages": [line for block in blocks for line in block.astext().splitlines() if line],
                    "codes": sorted({code.lower() for code in _CODE.findall(section.astext())}),
                }


def list_messages(_app: Sphinx, doctree: Any, page: str) -> None:
    """Show each block of messages as a list: long ones go on in the next line, and one sees where the next begins."""
    if PAGES.match(page):
        for block in list(doctree.findall(nodes.literal_block)):
            shown = nodes.bullet_list(classes=["messages"])
            for message in filter(None, block.astext().splitlines()):
                words = [part for part in _PLACE.split(message) if part]
                made = [nodes.emphasis(text=part) if _PLACE.fullmatch(part) else nodes.Text(part) for part in words]
                shown += nodes.list_item("", nodes.paragraph("", "", *made))
            block.replace_self(shown)


def add_script(app: Sphinx, page: str, _template: str, _context: dict[str, Any], _doctree: Any) -> None:
    """Have the search page read the script, after Sphinx's own."""
    if page == "search":
        app.add_js_file(SCRIPT, defer="defer")


def write_script(app: Sphinx, failure: Exception | None) -> None:
    """Write it: the messages, then how to find them."""
    if failure is None and app.builder.format == "html":
        found = (Path(__file__).parent / "message_search.js").read_text("utf-8")
        messages = json.dumps(list(sections(app)), ensure_ascii=False)
        (app.outdir / "_static" / SCRIPT).write_text(f"const MESSAGES = {messages};\n{found}", "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hang these into the build."""
    app.connect("doctree-resolved", list_messages)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
