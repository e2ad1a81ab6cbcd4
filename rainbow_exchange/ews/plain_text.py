"""A message as Word, Outlook, OWA or a person made it → plain text, paragraph by paragraph. Pure."""

import html
import re

import html_text
from lxml import etree

from rainbow_exchange.ews.templates import FORBIDDEN

#: html_text puts a space between any two elements; these stand inside words, as Word writes them
_INLINE = (*"abiqsu", "abbr", "acronym", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "ins", "kbd")
_INLINE += ("label", "mark", "nobr", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "var", "wbr")
_BLOCKS = (
    "blockquote|body|br|center|div|dl|h[1-6r]|head|html|img|li|link|meta|ol|p|pre|script|style|table|td|th|title|tr|ul"
)
#: what makes a text HTML: an element that Outlook knows or Word's own with a prefix, a comment, a declaration.
#: Whoever types <ada@acme.test> or x<y means it so.
_MARKUP = re.compile(
    r"<(?:!--|!\[|!doctype\b|\?xml\b|/?(?:"
    + "|".join((*_INLINE, _BLOCKS, "xml", "[a-z]+[0-9]?:[a-z]+"))
    + r")(?:\s[^<>]*)?/?>)",
    re.IGNORECASE,
)
#: a text of 50 kB takes some 250 in Word's words, and Rainbow takes 18; reading holds everybody up
_LONGEST = 512 * 1024
_CELLS = frozenset({"td", "th"})


def plain(markup: str) -> str:
    """Turn a message, usually a whole HTML document, into plain text; paragraphs and empty lines stay.

    What holds no markup is taken as text with its line ends. What is beyond half a million characters is left alone.
    """
    markup = FORBIDDEN.sub("", markup[:_LONGEST]).removeprefix("\ufeff")
    if not _MARKUP.search(markup):
        lines = html.unescape(markup).replace("\xa0", " ").splitlines()
        return "\n".join(line.strip() for line in lines).strip()
    tree = html_text.parse_html(markup)
    for hidden in list(tree.iter("head", "xml")):  # Word's data islands are elements called xml
        hidden.drop_tree()
    for each in tree.iter(etree.Element):
        if ":" in str(each.tag):  # o:p, st1:place
            each.tag = "span"
    etree.strip_tags(tree, etree.Comment, etree.ProcessingInstruction, *_INLINE)
    _keep_empty_lines(tree)
    return FORBIDDEN.sub("", html_text.extract_text(tree))


def _keep_empty_lines(tree: etree._Element) -> None:
    """Make paragraphs of the lines that hold nothing, or html_text would drop them.

    OWA and Outlook for Mac have no other paragraphs: a line each, and a line with only a line break between two.
    """
    for each in tree.iter("br"):
        before, parent = each.getprevious(), each.getparent()
        if parent is not None and not ((parent.text if before is None else before.tail) or "").strip():
            each.tag = "span" if parent.tag in _CELLS else "p"
    for each in tree.iter("div"):
        if len(each) == 0 and "\xa0" in (each.text or "") and not (each.text or "").strip():
            each.tag = "p"
