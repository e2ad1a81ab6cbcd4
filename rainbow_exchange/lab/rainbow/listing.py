"""`GET users`: its query and its pages, honest or lying (Rainbow admin portal, users). Pure."""

from collections.abc import Mapping, Sequence

from rainbow_exchange.lab.rainbow.dials import Dials, Paging
from rainbow_exchange.lab.rainbow.people import SORT_FIELDS, Filters
from rainbow_exchange.lab.rainbow.sign_in import Refusal
from rainbow_exchange.lab.user import LabUser

_FORMATS = ("small", "medium", "full")


def filters_from(query: Mapping[str, str], *, dials: Dials) -> tuple[Filters, str, int, int]:
    """Return filters, format, limit and offset of a query. Raise Refusal 400000 naming each parameter that is wrong.

    Parameters that the lab does not know are ignored.
    """
    wrong: list[dict[str, str]] = []

    def number(name: str, default: int, least: int) -> int:
        text = query.get(name, str(default))
        if text.isascii() and text.isdigit() and int(text) >= least:
            return int(text)
        wrong.append({"param": name, "msg": f"Must be an integer of at least {least}", "value": text})
        return default

    def flag(name: str) -> bool | None:
        text = query.get(name)
        if text not in (None, "true", "false"):
            wrong.append({"param": name, "msg": "Must be true or false", "value": str(text)})
        return None if text is None else text == "true"

    def choice(name: str, default: str, allowed: Sequence[str]) -> str:
        text = query.get(name, default)
        if text not in allowed:
            wrong.append({"param": name, "msg": f"Must be one of {', '.join(allowed)}", "value": text})
            return default
        return text

    filters = Filters(
        roles=_names(query.get("roles", "user")),
        exclude_roles=_names(query.get("excludeRoles", "")),
        is_terminated=bool(flag("isTerminated")),
        is_activated=flag("isActivated"),
        login_email=query.get("loginEmail"),
        email=query.get("email"),
        search_email=query.get("searchEmail"),
        display_name=query.get("displayName"),
        sort_field=choice("sortField", "displayName", sorted(SORT_FIELDS)),
        descending=choice("sortOrder", "1", ("1", "-1")) == "-1",
        with_account=dials.list_account,
        by=dials.address_filters,
    )
    form = choice("format", "small", _FORMATS)
    limit, offset = number("limit", 100, 1), number("offset", 0, 0)
    if wrong:
        raise Refusal(status=400, code=400000, message="Bad request", details=wrong)
    return filters, form, limit, offset


def page_of(selected: Sequence[LabUser], limit: int, offset: int, paging: Paging) -> tuple[list[LabUser], int]:
    """Return the users of one page and the total, as the dial `paging` has it.

    short: each page lacks its last entry; repeated: each page is the first; moving: the total grows by one a page. The
    other positions move the people themselves.
    """
    total = len(selected)
    page = list(selected[offset : offset + limit])
    match paging:
        case "short":
            return page[:-1], total
        case "repeated":
            return list(selected[:limit]), total
        case "moving":
            return page, total + offset // limit
        case _:
            return page, total


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
