"""What a page of the list of people is wanted of: the command and the page ask by it. Pure."""

from dataclasses import dataclass

from rainbow_exchange.bridge.troubles import TROUBLES

#: what can be asked for as `state`; the last two mean several of the others
STATES = ("streamed", "polled", "uncovered", "not-streamed", "not-read")
SORTS = ("user", "mailbox", "state", "reason", "next-try", "stream", "changed", "told", "asked")
#: of these the latest comes first
LATEST_FIRST = frozenset({"changed", "told", "asked"})
#: problems of single people; whom Rainbow refuses to be told of is covered all the same
PROBLEMS = tuple(sorted(TROUBLES.keys() - {"rainbow-user-refused"}))
#: people on a page, unless asked otherwise, and at most
PAGE, MOST = 100, 1000
_LONGEST = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Whom one wants to see. `text` is a part of any of a person's addresses, or a pattern with `*` and `?`.

    `stream` is the number of one, whose members are meant.
    """

    state: str = ""
    problem: str = ""
    reason: str = ""
    stream: str = ""
    text: str = ""
    sort: str = "user"


def read_query(wanted: object) -> tuple[Query, int, int]:
    """Read what a page is wanted of. Raises ValueError."""
    if not isinstance(wanted, dict):
        raise ValueError("an object is needed")  # noqa: TRY004 - of the JSON, which is one kind of fault
    texts = {name: wanted.get(name, "") for name in ("state", "problem", "reason", "stream", "text")}
    texts["sort"] = wanted.get("sort", SORTS[0])
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise ValueError(f"{name}: a text of at most {_LONGEST} characters is needed")
    if texts["state"] not in {"", *STATES}:
        raise ValueError(f"state: one of {', '.join(STATES)} is needed")
    if texts["problem"] not in {"", *PROBLEMS}:
        raise ValueError(f"problem: one of {', '.join(PROBLEMS)} is needed")
    if not (texts["stream"] == "" or (texts["stream"].isascii() and texts["stream"].isdecimal())):
        raise ValueError("stream: a number is needed")
    if texts["sort"] not in SORTS:
        raise ValueError(f"sort: one of {', '.join(SORTS)} is needed")
    offset, limit = wanted.get("offset", 0), wanted.get("limit", PAGE)
    if type(offset) is not int or type(limit) is not int or offset < 0 or not 1 <= limit <= MOST:
        raise ValueError(f"offset from 0 on and limit from 1 to {MOST} are needed")
    return Query(**texts), offset, limit
