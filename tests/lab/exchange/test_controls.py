"""The lab's own wire: the record, rights, mailboxes, and items no client could make."""

from typing import Any

DAY = {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}
NINE = {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}


async def test_every_request_is_recorded(wire: Any) -> None:
    headers = {
        "X-AnchorMailbox": "alice@acme.test",
        "X-PreferServerAffinity": "true",
        "client-request-id": "42",
        "return-client-request-id": "true",
    }
    answer = await wire.call(wire.subscribe_body("Bob@acme.test"), impersonate="alice@acme.test", headers=headers)
    assert answer.headers["client-request-id"] == "42"
    await wire.call(wire.streaming_body("eA==", "eQ=="))
    first, second = await wire.lab_call("GET", "requests")
    assert (first["operation"], first["account"], first["impersonated"], first["anchor"]) == (
        "Subscribe", "svc-rainbow", "alice@acme.test", "alice@acme.test",
    )  # fmt: skip
    assert (first["mailboxes"], first["code"], first["status"]) == (["bob@acme.test"], "ErrorAccessDenied", 200)
    assert (first["prefers_affinity"], first["client_request_id"], first["server_version"]) == (
        True, "42", "Exchange2013_SP1",
    )  # fmt: skip
    assert first["arrived"] <= first["answered"]
    assert (second["number"], second["subscription_ids"], second["code"]) == (
        2, ["eA==", "eQ=="], "ErrorSubscriptionNotFound",
    )  # fmt: skip
    assert first["body"] == ""


async def test_the_record_is_filtered_counted_and_cleared(wire: Any) -> None:
    await wire.subscribe("bob@acme.test")
    await wire.subscribe(impersonate="alice@acme.test")
    assert [each["number"] for each in await wire.lab_call("GET", "requests", mailbox="alice@acme.test")] == [2]
    assert [each["number"] for each in await wire.lab_call("GET", "requests", since="1")] == [2]
    assert await wire.lab_call("GET", "requests", operation="FindItem", wait="0.01") == []
    assert await wire.lab_call("GET", "counts") == {"Subscribe": 2}
    await wire.lab_call("DELETE", "requests")
    assert await wire.lab_call("GET", "requests") == []
    await wire.dials(keep_bodies=True)
    await wire.subscribe("bob@acme.test")
    [kept] = await wire.lab_call("GET", "requests")
    assert kept["number"] == 3
    assert "StreamingSubscriptionRequest" in kept["body"]


async def test_a_wrong_password_is_recorded_as_401(wire: Any) -> None:
    async with wire.http.post(wire.lab.url, data=b"x", headers=wire.login("svc-rainbow", "wrong")):
        pass
    [record] = await wire.lab_call("GET", "requests")
    assert (record["code"], record["status"], record["account"]) == ("401", 401, "")


async def test_a_right_is_changed_while_it_runs(wire: Any) -> None:
    assert (await wire.call(wire.subscribe_body("alice@acme.test"))).code == "ErrorFolderNotFound"
    await wire.lab_call("PATCH", "mailboxes/alice@acme.test", {"right": "reviewer"})
    assert (await wire.call(wire.subscribe_body("alice@acme.test"))).code == "NoError"


async def test_mailboxes_come_and_go(wire: Any) -> None:
    made = {"address": "dora@acme.test", "display_name": "Dora", "aliases": ["d@acme.test"], "right": "reviewer"}
    await wire.lab_call("POST", "mailboxes", made)
    subscription = await wire.subscribe("dora@acme.test")
    stream = await wire.stream(subscription)
    await stream.message()
    await wire.lab_call("DELETE", "mailboxes/dora@acme.test")
    assert (await stream.message()).findtext("{*}ResponseCode") == "ErrorInvalidSubscription"
    assert (await wire.call(wire.subscribe_body("d@acme.test"))).code == "ErrorNonExistentMailbox"
    addresses = [each["address"] for each in await wire.lab_call("GET", "mailboxes")]
    assert addresses == ["alice@acme.test", "bob@acme.test", "carol@acme.test"]
    await wire.lab_call("POST", "mailboxes", made)
    assert (await wire.call(wire.subscribe_body("dora@acme.test"))).code == "NoError"


async def test_what_is_wrong_is_said(wire: Any) -> None:
    for method, path, body, status in (
        ("POST", "mailboxes", {"address": "al@acme.test"}, 400),
        ("POST", "mailboxes", {"adress": "x@acme.test"}, 400),
        ("PATCH", "mailboxes/nobody@acme.test", {"right": "none"}, 404),
        ("PATCH", "mailboxes/bob@acme.test", {"right": "owner"}, 400),
        ("POST", "mailboxes/bob@acme.test/items", {"start": "2026-11-24T09:00:00Z"}, 400),
        ("PATCH", "mailboxes/bob@acme.test/items/9", {"subject": "x"}, 404),
        ("POST", "streams", {"order": "sing"}, 400),
    ):
        async with wire.http.request(method, f"{wire.lab.base}/lab/{path}", json=body) as answer:
            assert answer.status == status, path
            assert (await answer.json())["error"]


async def test_the_calendar_is_shown_expanded(wire: Any) -> None:
    await wire.lab_call(
        "POST",
        "mailboxes/bob@acme.test/items",
        NINE
        | {
            "subject": "Daily",
            "recurrence": {
                "pattern": "DailyRecurrence",
                "values": {"Interval": 1},
                "range": "NumberedRecurrence",
                "range_values": {"StartDate": "2026-11-24", "NumberOfOccurrences": 3},
            },
        },
    )
    path = "mailboxes/bob@acme.test/items/1"
    await wire.lab_call("PATCH", path, {"occurrence": "2026-11-25T09:00:00Z", "subject": "Other"})
    await wire.lab_call("DELETE", path, occurrence="2026-11-26T09:00:00Z")
    shown = await wire.lab_call(
        "GET", "mailboxes/bob@acme.test/calendar", start=DAY["start"], end="2026-12-01T00:00:00Z"
    )
    assert [(each["start"], each["kind"], each["subject"]) for each in shown] == [
        ("2026-11-24T09:00:00+00:00", "Occurrence", "Daily"),
        ("2026-11-25T09:00:00+00:00", "Exception", "Other"),
    ]


async def test_an_out_of_office_is_set_without_its_owner(wire: Any) -> None:
    await wire.lab_call("PUT", "mailboxes/bob@acme.test/out-of-office", {"state": "Enabled", "internal": "<p>Away</p>"})
    named = "<t:Mailbox><t:Address>bob@acme.test</t:Address></t:Mailbox>"
    asked = f"<m:GetUserOofSettingsRequest>{named}</m:GetUserOofSettingsRequest>"
    answer = await wire.call(asked, account="bob@acme.test")
    assert (answer.one("t:OofState"), answer.all("t:Message")) == ("Enabled", ["<p>Away</p>", ""])
    shown = await wire.lab_call("GET", "mailboxes/bob@acme.test/out-of-office")
    assert (shown["state"], shown["audience"], shown["internal"], shown["external"]) == (
        "Enabled",
        "None",
        "<p>Away</p>",
        "",
    )


async def test_the_lab_starts_again_on_the_same_port_without_subscriptions(wire: Any) -> None:
    subscription = await wire.subscribe("bob@acme.test")
    await wire.lab_call("POST", "mailboxes/bob@acme.test/items", NINE)
    port = int(wire.lab.base.rpartition(":")[2])
    await wire.lab.stop()
    await wire.lab.start(port=port)
    message = await (await wire.stream(subscription)).message()
    assert message.findtext("{*}ResponseCode") == "ErrorSubscriptionNotFound"
    view = await wire.call(wire.view_body(DAY["start"], DAY["end"], mailbox="bob@acme.test"))
    assert len(view.all("t:Start")) == 1
