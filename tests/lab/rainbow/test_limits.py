"""What the lab's Rainbow refuses by its dials, and tokens that are not as usual."""

import base64
import json
from typing import Any

import pytest

AUTH = "/api/rainbow/authentication/v1.0"
USERS = "/api/rainbow/admin/v1.0/users"


def payload_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read


async def test_retry_after_may_be_a_date_of_a_clock_that_is_wrong(*, admin: Any, lab: Any) -> None:
    lab.dials.set(
        {"refuse_next": 1, "refuse_retry_after": 90, "refuse_retry_after_form": "date", "clock_skew_seconds": -3600}
    )
    assert (await admin.call("GET", USERS))[0] == 429
    assert admin.headers["Date"] == "Mon, 05 Jan 2026 07:00:00 GMT"
    assert admin.headers["Retry-After"] == "Mon, 05 Jan 2026 07:01:30 GMT"


@pytest.mark.parametrize(
    ("form", "status", "kind", "begins"),
    [
        ("bare", 401, "application/json", b'{"errorCode": 401'),
        ("html", 401, "text/html", b"<html>"),
        ("empty", 401, "application/octet-stream", b""),
        ("ok", 200, "application/json", b'{"errorCode": 401'),
    ],
)
async def test_a_refusal_may_have_another_body(
    *, rest: Any, lab: Any, form: str, status: int, kind: str, begins: bytes
) -> None:
    lab.dials.set({"refuse_next": 1, "refuse_status": 401, "refuse_retry_after": 0, "refuse_body": form})
    async with rest.session.get(f"{lab.url}{AUTH}/login") as answer:
        body = await answer.read()
        assert (answer.status, answer.content_type) == (status, kind)
        assert body.startswith(begins)
        assert (b"errorDetailsCode" in body) == (form == "ok")


async def test_calls_without_the_extra_headers_are_refused_once_they_are_required(*, admin: Any, lab: Any) -> None:
    rule = {
        "match": [{"url": "/api/rainbow/admin/*", "method": "GET"}],
        "headers": [{"key": "x-region", "value": "eu"}],
    }
    lab.dials.set({"additional_headers": [rule], "additional_headers_required": True})
    assert (await admin.call("GET", "/api/rainbow/enduser/v1.0/settings/apis"))[1]["data"]["additionalHeaders"] == [
        rule
    ]
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200
    assert (await admin.call("GET", USERS))[0] == 403
    bearer = {"Authorization": f"Bearer {admin.token}"}
    assert (await admin.call("GET", USERS, headers=bearer | {"X-Region": "us"}))[0] == 403
    assert (await admin.call("GET", USERS, headers=bearer | {"X-Region": "eu"}))[0] == 200


async def test_tokens_follow_a_clock_of_their_own(*, admin: Any, lab: Any, clock: Any) -> None:
    lab.dials.set({"clock_skew_seconds": 86400})
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 401  # a day later it has expired
    await admin.login(lab.login)
    assert payload_of(admin.token)["iat"] == int(clock.at.timestamp()) + 86400
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200


async def test_tokens_of_oauth_are_not_renewed(*, admin: Any, lab: Any) -> None:
    lab.dials.set({"token_kind": "oauth"})
    await admin.login(lab.login)
    assert payload_of(admin.token)["oauth"]["type"] == "authorization_code"
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200
    assert (await admin.call("GET", f"{AUTH}/renew"))[0] == 401


async def test_an_opaque_token_tells_nothing_and_expires_like_others(*, admin: Any, lab: Any, clock: Any) -> None:
    lab.dials.set({"token_kind": "opaque"})
    await admin.login(lab.login)
    assert "." not in admin.token
    first = admin.token
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200
    status, renewed = await admin.call("GET", f"{AUTH}/renew")
    assert (status, renewed["token"] != first) == (200, True)
    clock.go_on(minutes=61)
    assert (await admin.call("GET", f"{AUTH}/validator"))[1]["errorDetails"] == "jwt expired"


async def test_all_tokens_can_be_let_expire_at_once(*, admin: Any, lab: Any) -> None:
    assert (await admin.call("POST", "/lab/dials", json={"expire_tokens": True}, headers={}))[0] == 200
    assert (await admin.call("GET", f"{AUTH}/validator"))[1]["errorDetails"] == "jwt expired"
    await admin.login(lab.login)
    assert (await admin.call("GET", f"{AUTH}/validator"))[0] == 200


async def test_the_record_has_both_ids_of_each_call(*, rest: Any, lab: Any) -> None:
    await rest.call("GET", "/api/rainbow/ping", headers={"x-rainbow-correlation-id": "abc"})
    (entry,) = lab.record.requests
    assert (entry["correlation_id"], entry["request_id"]) == ("abc", rest.headers["x-rainbow-request-id"])


async def test_a_refusal_may_say_anything(*, admin: Any, lab: Any) -> None:
    lab.dials.set({"refuse_next": 1, "refuse_status": 400, "refusal_words": "no: Planning"})
    status, body = await admin.call("GET", USERS)
    assert (status, body["errorMsg"]) == (400, "no: Planning")
