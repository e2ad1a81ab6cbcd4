"""The REST half of the lab's Rainbow, call by call, over a real socket."""

import base64
import json
from typing import Any

import pytest

USERS = "/api/rainbow/admin/v1.0/users"
AUTH = "/api/rainbow/authentication/v1.0"
COMPANY = "5f00000000000000000000c1"


def payload_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read


async def test_a_login_gives_a_token_and_the_account_with_its_xmpp_password(*, rest: Any, lab: Any) -> None:
    status, body = await rest.login(lab.login)
    assert status == 200
    assert body["loggedInUser"]["companyId"] == COMPANY
    assert body["loggedInUser"]["jid_im"].endswith("@rainbow.test")
    assert body["loggedInUser"]["jid_password"]
    assert body["loggedInApplication"]["id"] == "app1"
    read = payload_of(body["token"])
    assert (read["exp"] - read["iat"], read["countRenewed"], read["maxTokenRenew"]) == (3600, 0, 5)
    assert len(rest.headers["x-rainbow-request-id"]) == 24


async def test_the_header_of_the_application_is_that_of_the_published_vector(*, rest: Any, lab: Any) -> None:
    """The formula for app1, appsecret1, Secret#1."""
    vector = "Basic YXBwMTpiZDJkMTlhZmQ1ZDU4MjNlZGZhNDdkMzRkNzQ4MmYzZDQ3NmVhMzFlNjM3M2MwMDljYzQzMDhjYjE4MzQxOTAx"
    basic = "Basic " + base64.b64encode(f"{lab.login}:Secret#1".encode()).decode()
    headers = {"Authorization": basic, "x-rainbow-app-auth": vector}
    assert (await rest.call("GET", f"{AUTH}/login", headers=headers))[0] == 200
    headers["x-rainbow-app-auth"] = vector[:-4] + "AAAA"
    assert (await rest.call("GET", f"{AUTH}/login", headers=headers))[0] == 401
    assert (await rest.call("GET", f"{AUTH}/Login", headers=headers))[0] == 404


async def test_five_wrong_passwords_lock_the_account_for_an_hour(*, rest: Any, lab: Any, clock: Any) -> None:
    codes = [(await rest.login(lab.login, "wrong"))[1]["errorDetailsCode"] for _ in range(6)]
    assert codes == [401500, 401500, 401500, 401500, 401501, 401501]
    clock.go_on(minutes=50)
    assert (await rest.login(lab.login))[1]["errorDetailsCode"] == 401501
    assert (await rest.login(lab.login, "wrong"))[1]["errorDetailsCode"] == 401501  # the hour begins anew
    clock.go_on(minutes=50)
    assert (await rest.login(lab.login))[0] == 401
    clock.go_on(minutes=10)
    assert (await rest.login(lab.login))[0] == 200
    assert (await rest.login("nobody@acme.test"))[1]["errorDetailsCode"] == 401500


async def test_a_token_expires_and_can_be_renewed_only_so_often(*, admin: Any, clock: Any, lab: Any) -> None:
    lab.dials.set({"max_token_renew": 1})
    await admin.login(lab.login)
    clock.go_on(minutes=30)
    status, renewed = await admin.call("GET", f"{AUTH}/renew")
    assert (status, payload_of(renewed["token"])["countRenewed"]) == (200, 1)
    admin.token = renewed["token"]
    assert (await admin.call("GET", f"{AUTH}/renew"))[0] == 401
    assert await admin.call("GET", f"{AUTH}/validator") == (200, {"status": "OK"})
    clock.go_on(minutes=60)
    status, body = await admin.call("GET", f"{AUTH}/validator")
    assert (status, body["errorCode"], body["errorDetails"]) == (401, 401, "jwt expired")


async def test_a_logout_ends_this_token_only(*, admin: Any, lab: Any) -> None:
    first = admin.token
    await admin.login(lab.login)
    second, admin.token = admin.token, first
    assert (await admin.call("GET", f"{AUTH}/logout"))[1]["data"] == []
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 401
    admin.token = second
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200


async def test_a_forged_token_is_refused(*, admin: Any) -> None:
    head, body, signature = admin.token.split(".")
    for token in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", "x", "é"):
        admin.token = base64.b64encode(token.encode()).decode() if token == "é" else token
        assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 401


async def test_the_public_calls_answer_without_a_token(*, rest: Any) -> None:
    assert (await rest.call("GET", "/api/rainbow/ping"))[0] == 200
    assert "version" in (await rest.call("GET", "/api/rainbow/calendarprovider/v1.0/about"))[1]
    assert await rest.call("GET", f"{AUTH}/urls?uid=a@b.test") == (200, {"data": []})
    status, body = await rest.call("GET", "/api/rainbow/nowhere")
    assert (status, body["errorCode"], body["errorDetailsCode"]) == (404, 404, 404000)


async def test_the_company_and_the_extra_headers_are_told_to_who_is_signed_in(*, admin: Any) -> None:
    assert (await admin.call("GET", f"/api/rainbow/enduser/v1.0/companies/{COMPANY}"))[1]["data"]["id"] == COMPANY
    unknown = await admin.call("GET", "/api/rainbow/enduser/v1.0/companies/5f00000000000000000000ff")
    assert (unknown[0], unknown[1]["errorDetailsCode"]) == (404, 404000)
    apis = await admin.call("GET", "/api/rainbow/enduser/v1.0/settings/apis")
    assert apis == (200, {"data": {"additionalHeaders": []}})


async def test_users_come_in_pages_that_together_are_everybody_once(*, admin: Any, users: Any, lab: Any) -> None:
    seen = []
    for offset in (0, 5, 10, 15):
        _, page = await admin.call("GET", f"{USERS}?companyId={COMPANY}&format=full&limit=5&offset={offset}")
        assert (page["total"], page["limit"], page["offset"]) == (12, 5, offset)
        seen += page["data"]
    assert sorted(user["id"] for user in seen) == sorted(user.id for user in users)
    names = [user["displayName"].casefold() for user in seen]
    assert names == sorted(names)
    assert seen[0]["emails"][0]["type"] == "work"
    assert lab.record.counts["full_listings"] == 2  # the third page and the empty fourth both ended it


@pytest.mark.parametrize(("form", "holds", "lacks"), [("small", "companyId", "jid_im"), ("medium", "jid_im", "emails")])
async def test_a_format_holds_what_it_should(*, admin: Any, form: str, holds: str, lacks: str) -> None:
    _, page = await admin.call("GET", f"{USERS}?format={form}&limit=1")
    assert holds in page["data"][0]
    assert lacks not in page["data"][0]
    assert "jid_password" not in page["data"][0]


async def test_filters_find_by_login_and_by_address(*, admin: Any, users: Any) -> None:
    odd = users[3]
    assert odd.login_email not in odd.work_emails
    for query, expected in (
        (f"loginEmail={odd.login_email.upper()}", 1),
        (f"email={odd.work_emails[0]}", 1),
        (f"email={odd.login_email}", 0),
        (f"loginEmail={odd.login_email}&email=other@acme.test", 0),
        ("isTerminated=true", 0),
        ("roles=guest", 0),
    ):
        _, page = await admin.call("GET", f"{USERS}?format=full&{query}")
        assert page["total"] == expected, query


async def test_a_wrong_parameter_is_named(*, admin: Any) -> None:
    status, body = await admin.call("GET", f"{USERS}?limit=0&format=large")
    assert (status, body["errorDetailsCode"]) == (400, 400000)
    assert {fault["param"] for fault in body["errorDetails"]} == {"limit", "format"}


async def test_only_an_administrator_of_this_company_may_list(*, admin: Any, colleague: Any) -> None:
    assert (await colleague.call("GET", USERS))[1]["errorDetailsCode"] == 403000
    assert (await admin.call("GET", f"{USERS}?companyId=5f00000000000000000000ff"))[0] == 403


async def test_one_user_is_found_by_id(*, admin: Any, colleague: Any, users: Any) -> None:
    assert (await admin.call("GET", f"{USERS}/{users[2].id}"))[1]["data"]["loginEmail"] == users[2].login_email
    assert (await admin.call("GET", f"{USERS}/5f0"))[0] == 404
    assert (await colleague.call("GET", f"{USERS}/{users[2].id}"))[0] == 403
    assert (await colleague.call("GET", f"/api/rainbow/enduser/v1.0/users/{users[2].id}"))[0] == 200


@pytest.mark.parametrize("paging", ["short", "repeated", "moving"])
async def test_paging_lies_when_told_to(*, admin: Any, lab: Any, paging: str) -> None:
    lab.dials.set({"paging": paging})
    pages = [(await admin.call("GET", f"{USERS}?limit=5&offset={offset}"))[1] for offset in (0, 5)]
    ids = [[user["id"] for user in page["data"]] for page in pages]
    assert (len(ids[0]) == 4) == (paging == "short")
    assert (ids[0] == ids[1]) == (paging == "repeated")
    assert [page["total"] for page in pages] == ([12, 13] if paging == "moving" else [12, 12])


async def test_the_account_is_listed_only_by_its_dial(*, admin: Any, lab: Any) -> None:
    lab.dials.set({"list_account": True})
    _, page = await admin.call("GET", f"{USERS}?format=full")
    assert lab.login in [user["loginEmail"] for user in page["data"]]
    assert page["total"] == 13


async def test_notify_demands_the_connectors_header_and_a_known_company(*, rest: Any, users: Any, lab: Any) -> None:
    assert (await rest.notify(users[0].id, "5fnobody", force=True))[0] == 200
    (entry,) = lab.record.notifies
    assert (entry["ids"], entry["force"], entry["unknown"]) == ([users[0].id, "5fnobody"], True, ["5fnobody"])
    assert (await rest.notify(users[0].id, company="5f00000000000000000000ff"))[1]["errorDetailsCode"] == 404000
    path = f"/api/rainbow/calendarprovider/v1.0/notify?companyId={COMPANY}"
    assert (await rest.call("POST", path, json={"value": [users[0].id]}, headers={}))[0] == 403
    header = {"X-Rainbow-EWS-connector": "dummy"}
    bodies: list[Any] = [{"value": []}, {"value": "x"}, {}, ["x"]]
    for body in bodies:
        assert (await rest.call("POST", path, json=body, headers=header))[1]["errorDetailsCode"] == 400000
    assert len(lab.record.notifies) == 1


async def test_a_strict_notify_demands_a_token_too(*, admin: Any, users: Any, lab: Any) -> None:
    lab.dials.set({"strict_notify": True})
    assert (await admin.notify(users[0].id))[0] == 401
    path = f"/api/rainbow/calendarprovider/v1.0/notify?companyId={COMPANY}"
    header = {"X-Rainbow-EWS-connector": "dummy", "Authorization": f"Bearer {admin.token}"}
    assert (await admin.call("POST", path, json={"value": [users[0].id]}, headers=header))[0] == 200


async def test_the_next_calls_are_refused_with_retry_after(*, admin: Any, lab: Any) -> None:
    lab.dials.set({"refuse_next": 2, "refuse_status": 503, "refuse_retry_after": 7, "refuse_path": "/users"})
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200
    status, body = await admin.call("GET", USERS)
    assert (status, body["errorDetailsCode"], admin.headers["Retry-After"]) == (503, 503000, "7")
    assert (await admin.call("GET", USERS))[0] == 503
    assert (await admin.call("GET", USERS))[0] == 200


async def test_a_whole_company_of_fifty_thousand_is_paged_without_sorting_each_time(*, admin: Any, lab: Any) -> None:
    """Each page is a slice of one list that is kept until somebody comes or goes."""
    await admin.call("GET", f"{USERS}?limit=5&offset=0")
    views = lab.people._views
    assert len(views) == 1
    kept = next(iter(views.values()))
    await admin.call("GET", f"{USERS}?limit=5&offset=5")
    assert next(iter(views.values())) is kept
    lab.people.remove(kept[0].id)
    assert not views
