"""Who is looked at closely: whoever has problems, a few of each kind. The daemon is asked for them page by page."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from rainbow_exchange.diagnosis.bundle.collect import NotCollected

Ask = Callable[[str, object], Any]

CHOSEN = "two people of each problem and reason, ten at most: first whose calendar cannot be read, then not covered"
WELL = "nobody has a problem: somebody with whom all is well"
_EACH, _MOST = 2, 10
#: people on a page, and pages that are read
_PAGE, _PAGES = 1000, 50
#: rows that are kept as they are
_ROWS = 200


def mailboxes(ask: Ask) -> dict[str, Any]:
    """Count everybody by what is so, and give the rows of those who are not streamed or not read."""
    tallies = {name: Counter[str]() for name in ("state", "finding", "reason", "read_mode", "problem")}
    answer = _page(ask, "", 0, 1)
    for row in _rows(ask, ""):
        for name, tally in tallies.items():
            tally[str(row[name] or "")] += 1
    rows = [row for state in ("not-read", "not-streamed") for row in islice(_rows(ask, state), _ROWS)]
    return {
        "as_of": answer["as_of"],
        "counts": answer["counts"],
        "counted_by": {name: dict(tally.most_common()) for name, tally in tallies.items()},
        "counted": sum(tallies["state"].values()),
        "people": rows,
    }


def explained(ask: Ask, asked_for: Sequence[str], at: datetime) -> dict[str, Any]:
    """Explain whoever is asked for, and the worst, or somebody with whom all is well: now, and the day before `at`."""
    chosen, how = choose(row for state in ("not-read", "not-streamed") for row in _rows(ask, state)), CHOSEN
    if not chosen and not asked_for:
        chosen, how = [row["user"] for row in _page(ask, "streamed", 0, 1)["people"]], WELL
    people = [
        {
            "now": ask("/api/explain", {"address": address}),
            "past": ask("/api/explain", {"address": address, "at": at.isoformat()}),
        }
        for address in dict.fromkeys([*asked_for, *chosen])
    ]
    return {"asked_for": list(asked_for), "chosen": how, "people": people}


def choose(rows: Iterator[dict[str, Any]]) -> list[str]:
    """Choose of those who have problems, in their order, so that each kind of problem is among them."""
    kinds: Counter[tuple[str, str]] = Counter()
    chosen: dict[str, None] = {}
    for row in rows:
        kind = (str(row["problem"]), row["reason"])
        if row["user"] not in chosen and kinds[kind] < _EACH:
            kinds[kind] += 1
            chosen[row["user"]] = None
            if len(chosen) == _MOST:
                break
    return list(chosen)


def _rows(ask: Ask, state: str) -> Iterator[dict[str, Any]]:
    """Give the people in this state."""
    offset = 0
    for _ in range(_PAGES):
        answer = _page(ask, state, offset)
        yield from answer["people"]
        if answer["next_offset"] is None:
            return
        offset = answer["next_offset"]


def _page(ask: Ask, state: str, offset: int, limit: int = _PAGE) -> dict[str, Any]:
    answer: dict[str, Any] = ask("/api/mailboxes", {"state": state, "offset": offset, "limit": limit})
    if answer["state"] != "shown":
        raise NotCollected(answer["reason"])
    return answer
