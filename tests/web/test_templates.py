"""What the page's policy forbids stands in no template, and what is put into one is escaped."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

import rainbow_exchange
from rainbow_exchange.web import render

TEMPLATES = Path(rainbow_exchange.__file__).parent / "web" / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
#: what leads somewhere: to the page itself alone; a script in such an address is what the policy forbids
_LINKS = {"href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href", "ping"}


#: the lab's page leads to that of a connector on the same machine, where one listens by default
CONNECTORS = "parts/lab_rainbow.html", "http://localhost:3001/set-up"


class Found(HTMLParser):
    """The elements of a template as it is written, with Jinja's own marks taken out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(re.sub(r"{#.*?#}|{%.*?%}", " ", text, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))


def test_there_are_templates() -> None:
    assert {"base.html", "sign_in.html", "refused.html"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_has_no_style_script_or_frame_of_its_own(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    for tag, attributes in Found(text).elements:
        assert tag not in {"iframe", "frame", "object", "embed", "applet", "base"}
        assert not [each for each in attributes if each == "style" or each.startswith("on")], attributes
        if tag in {"script", "style"}:
            assert (name, attributes) == ("base.html", {})
        for each in _LINKS & attributes.keys():
            if (name, attributes[each]) == CONNECTORS:
                continue
            assert re.match(r"/(?![/\\])|#|\?|data:image/svg\+xml,|{{ ", attributes[each]), attributes[each]
        if tag == "meta":
            assert "http-equiv" not in attributes
    assert "|safe" not in re.sub(r"\s", "", text)
    assert "autoescape" not in text


@pytest.mark.parametrize("name", NAMES)
def test_each_form_that_changes_something_has_our_field(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    for form in re.findall(r"<form\b.*?</form>", text, flags=re.DOTALL):
        if 'method="post"' in form and 'action="/sign-in"' not in form:
            assert "csrf()" in form, form


def test_the_policy_names_what_stands_in_the_page_and_nothing_else() -> None:
    page = render.render(
        "sign_in.html",
        "en",
        {"path": "/", "version": "1", "live": "", "signed_in": False, "reason": "<b>", "code": '"><b>', "to": "/"}
        | {"came": False},
    )
    policy = dict(each.strip().partition(" ")[::2] for each in render.policy().split(";"))
    for element in ("style", "script"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy.pop(f"{element}-src") == f"'sha256-{digest}'"
    assert policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "<b>" not in page


def test_everything_is_escaped_but_what_is_ours() -> None:
    made = render.environment("en").from_string("{{ a }}|{{ a|said }}|{{ b }}").render(a="<i>\"'&", b=Markup("<b>"))
    assert made == "&lt;i&gt;&#34;&#39;&amp;|&lt;i&gt;&#34;&#39;&amp;|<b>"
