"""What a person sees of secrets: whether each is set and where it comes from, never a part of a value. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

View = Mapping[str, Any]
Places = Sequence[Mapping[str, Any]]

_NAMES = {
    "variable": "variable",
    "file": "file",
    "systemd": "systemd credential",
    "keyring": "keyring",
    "rainbow": "Rainbow",
}


def summary(view: View) -> list[dict[str, Any]]:
    """Give each secret in short: name, whether it is set, where it comes from, why it does not."""
    shown = []
    for secret in view["secrets"]:
        one = counting(secret["places"])
        shown.append(
            {
                "name": secret["name"],
                "set": bool(one.get("has")),
                "from": one.get("kind") if one.get("has") or one.get("kind") != "keyring" else None,
                "where": one.get("where") if one.get("has") or one.get("kind") != "keyring" else None,
                "problem": one.get("problem") or None,
                "remark": one.get("remark") or None,
                "places": list(secret["places"]),
            }
        )
    return shown


def counting(places: Places) -> Mapping[str, Any]:
    """Give the place that is asked; the first in order."""
    return next((place for place in places if place["counts"]), {})


def state(places: Places) -> str:
    """Say in a few words whether a secret is there, and whence."""
    one = counting(places)
    if one.get("has"):
        return f"set, {one['where']}"
    if one.get("problem") and one["kind"] != "keyring":
        return f"not readable: {one['where']} {one['problem']}"
    return "not set"


def table(service: View | None, own: View) -> Iterator[str]:
    """Give the lines of a list for a terminal: a column for each account that looks."""
    views = _views(service, own)
    heads = ["SECRET", *(head for head, _ in views)]
    rows = [
        [secret["name"], *(state(view["secrets"][number]["places"]) for _, view in views)]
        for number, secret in enumerate(own["secrets"])
    ]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from remarks(views)


def plain(service: View | None, own: View) -> Iterator[str]:
    """Give them for a pipe: one line for each secret."""
    views = _views(service, own)
    for number, secret in enumerate(own["secrets"]):
        said = [f"{head}: {state(view['secrets'][number]['places'])}" for head, view in views]
        yield f"{secret['name']}: {'; '.join(said)}"
    yield from remarks(views)


def everywhere(service: View | None, own: View, name: str) -> Iterator[str]:
    """Give every place of one secret in order, for each account that looks."""
    for head, view in _views(service, own):
        places = next(secret["places"] for secret in view["secrets"] if secret["name"] == name)
        yield f"{name}, {head[0].lower()}{head[1:]}: {state(places)}"
        for number, place in enumerate(places, 1):
            said = "has it" if place["has"] else (place["problem"] or "has nothing")
            counts = ", and counts" if place["counts"] else ""
            yield f"  {number}. {_NAMES[place['kind']]} ({place['where']}): {said}{counts}"
    places = [
        place
        for _, view in _views(service, own)
        for each in view["secrets"]
        for place in each["places"]
        if each["name"] == name
    ]
    yield from _warnings(places)


def remarks(views: Sequence[tuple[str, View]]) -> Iterator[str]:
    """Give what is to be said of files and keyrings, once each."""
    places = [place for _, view in views for secret in view["secrets"] for place in secret["places"]]
    keyrings = {
        f"{place['where'][0].upper()}{place['where'][1:]}: {place['problem']}."
        for place in places
        if place["kind"] == "keyring" and place["problem"]
    }
    yield from sorted(keyrings)
    yield from _warnings(places)


def _warnings(places: Places) -> Iterator[str]:
    yield from (f"Warning: {remark}" for remark in dict.fromkeys(place["remark"] for place in places) if remark)


def _views(service: View | None, own: View) -> list[tuple[str, View]]:
    """Give who looks: the running service, and this account where it sees something else."""
    views = [] if service is None else [(f"The service ({service['account']})", service)]
    if service is None or service["account"] != own["account"] or service["secrets"] != own["secrets"]:
        views.append((f"This account ({own['account']})", own))
    return views
