"""Users of the lab's Rainbow that move while they are paged, are found by inexact filters, and are administered."""

from typing import Any

import pytest

USERS = "/api/rainbow/admin/v1.0/users"


async def paged(admin: Any, limit: int = 5) -> list[dict[str, Any]]:
    """Read pages as somebody does who only counts."""
    pages: list[dict[str, Any]] = []
    while not pages or sum(len(page["data"]) for page in pages) < pages[-1]["total"]:
        offset = sum(len(page["data"]) for page in pages)
        _, page = await admin.call("GET", f"{USERS}?format=full&limit={limit}&offset={offset}&sortField=loginEmail")
        pages.append(page)
        if not page["data"]:
            break
    return pages


@pytest.mark.parametrize(
    ("paging", "totals", "missed", "doubled"),
    [("adds", [12, 13, 13], 0, 1), ("removes", [12, 11, 11], 1, 0), ("swaps", [12, 12, 12], 1, 0)],
)
async def test_somebody_comes_or_goes_between_two_pages(
    *, admin: Any, lab: Any, users: Any, paging: str, totals: list[int], missed: int, doubled: int
) -> None:
    lab.dials.set({"paging": paging})
    pages = await paged(admin)
    assert [page["total"] for page in pages] == totals
    seen = [user["id"] for page in pages for user in page["data"]]
    still = [user.id for user in users if lab.people.by_id(user.id)]
    assert len([each for each in still if each not in seen]) == missed
    assert len(seen) - len(set(seen)) == doubled
    assert lab.dials.paging_moves == 0


async def test_a_page_is_as_large_as_the_server_likes_and_it_may_keep_that_to_itself(*, admin: Any, lab: Any) -> None:
    lab.dials.set({"page_limit": 3})
    _, page = await admin.call("GET", f"{USERS}?limit=5")
    assert (len(page["data"]), page["limit"]) == (3, 3)
    lab.dials.set({"page_limit_said": False})
    _, page = await admin.call("GET", f"{USERS}?limit=5")
    assert (len(page["data"]), page["limit"]) == (3, 5)


async def test_filters_may_go_by_words_or_find_everybody(*, admin: Any, lab: Any) -> None:
    await admin.call("POST", USERS, json={"loginEmail": "x@acme.test", "emails": _work("ann.b@acme.test")})
    await admin.call("POST", USERS, json={"loginEmail": "y@acme.test", "emails": _work("b.ann@test.acme.test")})

    async def found(query: str) -> list[str]:
        _, page = await admin.call("GET", f"{USERS}?limit=100&{query}")
        return sorted(user["loginEmail"] for user in page["data"])

    assert await found("email=ann.b@acme.test") == ["x@acme.test"]
    lab.dials.set({"address_filters": "words"})
    assert await found("email=ann.b@acme.test") == ["x@acme.test", "y@acme.test"]
    assert await found("loginEmail=x@acme.test") == ["x@acme.test"]
    lab.dials.set({"address_filters": "ignored"})
    assert len(await found("email=ann.b@acme.test")) == 14


def _work(address: str) -> list[dict[str, str]]:
    return [{"email": address, "type": "work"}]


async def test_an_administrator_adds_changes_and_deletes(*, admin: Any, lab: Any) -> None:
    status, body = await admin.call("POST", USERS, json={"loginEmail": "zoe@acme.test", "firstName": "Zoe"})
    assert status == 201
    zoe = body["data"]["id"]
    assert (await admin.call("POST", USERS, json={"loginEmail": "ZOE@acme.test", "displayName": "Other"}))[0] == 409
    status, body = await admin.call("PUT", f"{USERS}/{zoe}", json={"isActive": False, "loginEmail": "z@acme.test"})
    assert (status, body["data"]["isActive"], body["data"]["loginEmail"]) == (200, False, "z@acme.test")
    status, body = await admin.call("PUT", f"{USERS}/{zoe}", json={"isTerminated": True})
    assert (await admin.call("GET", f"{USERS}?loginEmail=z@acme.test"))[1]["total"] == 0
    assert (await admin.call("GET", f"{USERS}?loginEmail=z@acme.test&isTerminated=true"))[1]["total"] == 1
    assert (await admin.call("DELETE", f"{USERS}/{zoe}"))[0] == 200
    assert (await admin.call("GET", f"{USERS}/{zoe}"))[0] == 404
    assert lab.people.by_id(zoe) is None


async def test_what_an_administrator_may_not_is_refused(*, admin: Any, colleague: Any, users: Any, lab: Any) -> None:
    for method, path, body in (
        ("POST", USERS, {"loginEmail": "zoe@acme.test"}),
        ("PUT", f"{USERS}/{users[0].id}", {"isActive": False}),
        ("DELETE", f"{USERS}/{users[0].id}", None),
    ):
        assert (await colleague.call(method, path, json=body))[0] == 403
    assert (await admin.call("PUT", f"{USERS}/{users[0].id}", json={"loginEmail": users[1].login_email}))[0] == 409
    status, body = await admin.call("POST", USERS, json={"firstName": "Nobody"})
    assert (status, [fault["param"] for fault in body["errorDetails"]]) == (400, ["loginEmail"])
    assert (await admin.call("DELETE", f"{USERS}/{lab.people.account.id}"))[0] == 403
    assert (await admin.call("DELETE", f"{USERS}/5f0"))[0] == 404
