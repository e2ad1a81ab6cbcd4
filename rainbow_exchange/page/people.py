"""`/people`: everybody in the company, searched, filtered, sorted, and a page at a time."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from rainbow_exchange.diagnosis.mailboxes import Mailboxes
from rainbow_exchange.diagnosis.mailboxes_query import LATEST_FIRST, SORTS, Query, read_query
from rainbow_exchange.web.view import View

#: people on a page
PAGE = 50
#: pages that can be named; nobody looks at more
_LAST_PAGE = 100_000
#: reasons that are offered as filters
_REASONS = 8
_FIELDS = ("state", "problem", "reason", "stream", "text", "sort")


def people(mailboxes: Mailboxes) -> View:
    """Make the view."""

    async def context(values: Mapping[str, str]) -> Mapping[str, Any]:
        query, number = asked(values)
        found = await mailboxes.page(query, offset=(number - 1) * PAGE, limit=PAGE, glance=True)
        last = max(1, -(-found.get("matching", 0) // PAGE))
        return {
            "found": found,
            "query": query,
            "reasons": list(found.get("reasons", {}).items())[:_REASONS],
            "number": number,
            "last": last,
            "link": _links(query),
            "order": {sort: "descending" if sort in LATEST_FIRST else "ascending" for sort in SORTS},
            "path_of": path_of,
        }

    return View(path="/people", template="people.html", context=context, parts=("people_found",), every=4.0)


def asked(values: Mapping[str, str]) -> tuple[Query, int]:
    """Read what a browser asks for; what cannot be meant, as in a link that was kept for long, is left out."""
    wanted: dict[str, Any] = {}
    for name in _FIELDS:
        try:
            read_query({name: values.get(name, "").strip() or ("user" if name == "sort" else "")})
        except ValueError:
            continue
        wanted[name] = values.get(name, "").strip()
    query, _, _ = read_query({name: value for name, value in wanted.items() if value})
    number = values.get("page", "1")
    short = number.isascii() and number.isdecimal() and len(number) <= len(str(_LAST_PAGE))
    return query, min(max(int(number), 1), _LAST_PAGE) if short else 1


def path_of(user_id: str) -> str:
    """Give the path of one person's view: by Rainbow's id, since paths are kept by browsers and proxies."""
    return f"/people/{quote(user_id, safe='')}"


def _links(query: Query) -> Callable[..., str]:
    """Give what makes the address of the same list but for what is named."""
    known = {name: getattr(query, name) for name in _FIELDS}

    def link(**changed: str | int) -> str:
        kept = {name: value for name, value in (known | changed).items() if value and (name, value) != ("sort", "user")}
        return f"/people?{urlencode(kept)}" if kept else "/people"

    return link
