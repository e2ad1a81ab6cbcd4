"""The pages that a browser shows, made of elements: text is never pasted into markup, so none is taken for it. Pure.

No script and no style, since nothing is loaded (`security`); every page is bounded, however much there is to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import html
from lxml.html import builder

from rainbow_exchange.network.shown import few, printable

#: problems with all that they say, people who are named, and characters of a sentence
_PROBLEMS, _PEOPLE, _LONGEST = 20, 20, 1000
_HOW_TO = "To sign in, type this on this machine, as the account of the service or as administrator:"


def sign_in_page(reason: str = "") -> bytes:
    """Give the page for whoever has not signed in; `reason` says why a link did not let in."""
    body = [builder.H1("rainbow-exchange")]
    if reason:
        body.append(builder.P(_text(reason)))
    body += [
        builder.P(_HOW_TO),
        builder.PRE("rainbow-exchange web-url"),
        builder.P("It prints a link that lets in once. The same --config as that of the service is needed."),
    ]
    return _page("Sign in", body)


def status_page(status: Mapping[str, Any]) -> bytes:
    """Give the page of a status as `docs/reference/status.md` has it."""
    state = _text(status["state"]).capitalize()
    boxes = status["mailboxes"]
    counts = f"{boxes['streamed']} streamed, {boxes['polled']} polled, {boxes['uncovered']} not covered"
    rows = [
        ("Exchange", _side(status["exchange"])),
        ("Rainbow", _side(status["rainbow"])),
        ("Mailboxes", f"{boxes['total']}: {counts}"),
    ]
    body = [
        builder.H1(f"rainbow-exchange: {state}"),
        builder.P(f"Since {_text(status['since'])}. Load this page again for the latest."),
        builder.TABLE(*(builder.TR(builder.TH(name), builder.TD(value)) for name, value in rows)),
        *_problems(status["problems"]),
        *_people("Not streamed", status, "not_streamed"),
        *_people("Not read", status, "not_read"),
    ]
    return _page(state, body)


def _problems(problems: Sequence[Mapping[str, Any]]) -> Iterator[html.HtmlElement]:
    yield builder.H2("Problems")
    if not problems:
        yield builder.P("None.")
    for problem in problems[:_PROBLEMS]:
        yield builder.H3(f"{_text(problem['severity']).capitalize()} {_text(problem['id'])}")
        yield builder.P(_text(problem["text"]))
        yield builder.P(f"Next step: {_text(problem['action'])}")
    if more := problems[_PROBLEMS:]:
        yield builder.P(f"And {len(more)} more: {few([_text(each['id']) for each in more], _PROBLEMS)}")


def _people(title: str, status: Mapping[str, Any], name: str) -> Iterator[html.HtmlElement]:
    people = status[name]
    if not people:
        return
    yield builder.H2(title)
    yield builder.UL(*(builder.LI(f"{_text(each['user'])}: {_text(each['reason'])}") for each in people[:_PEOPLE]))
    more = status[f"{name}_total"] - _PEOPLE
    if more > 0:
        yield builder.P(f"And {more} more: rainbow-exchange mailboxes --state {name.replace('_', '-')}")


def _page(title: str, body: Sequence[html.HtmlElement]) -> bytes:
    head = builder.HEAD(builder.META(charset="utf-8"), builder.TITLE(f"{title} - rainbow-exchange"))
    page = builder.HTML(head, builder.BODY(*body), lang="en")
    written: bytes = html.tostring(page, doctype="<!DOCTYPE html>", encoding="utf-8")
    return written


def _side(side: Mapping[str, Any]) -> str:
    return f"{_text(side['state'])} ({_text(side['reason'])})" if side["reason"] else _text(side["state"])


def _text(value: object) -> str:
    """Give a text that an element can have, of bounded length."""
    text = printable(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
