"""Who may subscribe to whose calendar, and how a refusal reads (ews.md §1)."""

from typing import Any

import pytest


async def test_a_reviewer_subscribes_by_delegate_rights(wire: Any) -> None:
    assert (await wire.call(wire.subscribe_body("bob@acme.test"))).code == "NoError"


@pytest.mark.parametrize(
    ("address", "code", "values"),
    [
        ("alice@acme.test", "ErrorFolderNotFound", []),
        ("carol@acme.test", "ErrorAccessDenied", []),
        ("nobody@acme.test", "ErrorNonExistentMailbox", ["nobody@acme.test"]),
        ("al@acme.test", "ErrorNonPrimarySmtpAddress", ["alice@acme.test"]),
        ("no address", "ErrorInvalidSmtpAddress", ["no address"]),
        ("", "ErrorMissingEmailAddress", []),
    ],
)
async def test_a_delegate_is_refused_inside_the_answer(wire: Any, address: str, code: str, values: list[str]) -> None:
    answer = await wire.call(wire.subscribe_body(address))
    assert (answer.status, answer.code, answer.all("t:Value")) == (200, code, values)


async def test_the_primary_address_is_named(wire: Any) -> None:
    answer = await wire.call(wire.subscribe_body("al@acme.test"))
    [value] = answer.root.iterfind(".//{*}MessageXml/{*}Value")
    assert (value.get("Name"), value.text) == ("Primary", "alice@acme.test")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("PrimarySmtpAddress", "alice@acme.test"),
        ("SmtpAddress", "AL@acme.test"),
        ("PrincipalName", "am@corp.test"),
        ("SID", "S-1-5-21-1-2-3-1001"),
    ],
)
async def test_each_kind_of_impersonation_works(wire: Any, kind: str, name: str) -> None:
    answer = await wire.call(wire.subscribe_body(), impersonate=name, kind=kind)
    assert (answer.status, answer.code) == (200, "NoError")


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("PrimarySmtpAddress", "nobody@acme.test", "ErrorNonExistentMailbox"),
        ("PrimarySmtpAddress", "al@acme.test", "ErrorNonPrimarySmtpAddress"),
        ("PrincipalName", "alice@acme.test", "ErrorNonExistentMailbox"),
        ("SID", "S-1-5-21-9", "ErrorNonExistentMailbox"),
        ("PrimarySmtpAddress", " ", "ErrorInvalidExchangeImpersonationHeaderData"),
    ],
)
async def test_a_wrong_impersonation_is_a_fault(wire: Any, kind: str, name: str, code: str) -> None:
    answer = await wire.call(wire.subscribe_body(), impersonate=name, kind=kind)
    assert (answer.status, answer.code) == (500, code)
    assert answer.root.findtext(".//faultcode") == f"a:{code}"


async def test_impersonation_can_be_off(make_lab: Any) -> None:
    wire = await make_lab(impersonation=False)
    answer = await wire.call(wire.subscribe_body(), impersonate="alice@acme.test")
    assert (answer.status, answer.code) == (500, "ErrorImpersonateUserDenied")


async def test_an_owner_may_impersonate_nobody(wire: Any) -> None:
    answer = await wire.call(wire.subscribe_body(), impersonate="alice@acme.test", account="bob@acme.test")
    assert answer.code == "ErrorImpersonateUserDenied"


@pytest.mark.parametrize("account", ["alice@acme.test", "AL@acme.test", "ACME\\am@corp.test"])
async def test_an_owner_signs_in_by_each_of_her_names(wire: Any, account: str) -> None:
    assert (await wire.call(wire.subscribe_body(), account=account)).code == "NoError"


async def test_a_wrong_password_is_401_and_offers_basic(wire: Any) -> None:
    headers = wire.login("svc-rainbow", "wrong")
    async with wire.http.post(wire.lab.url, data=b"<x/>", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    async with wire.http.post(wire.lab.url, data=b"<x/>") as answer:
        assert answer.status == 401


async def test_the_affinity_cookie_is_set_on_the_first_answer_only(wire: Any) -> None:
    affine = {"X-PreferServerAffinity": "true", "X-AnchorMailbox": "bob@acme.test"}
    first = await wire.call(wire.subscribe_body("bob@acme.test"), headers=affine)
    [cookie] = [each for each in first.headers.getall("Set-Cookie") if each.startswith("X-BackEndOverrideCookie=")]
    assert cookie.startswith("X-BackEndOverrideCookie=exch01.acme.test~1942062522;")
    again = await wire.call(wire.subscribe_body("bob@acme.test"), headers=affine | {"Cookie": cookie.split(";")[0]})
    plain = await wire.call(wire.subscribe_body("bob@acme.test"))
    for answer in (again, plain):
        assert not [each for each in answer.headers.getall("Set-Cookie", []) if "OverrideCookie" in each]


async def test_pull_and_empty_subscriptions_are_refused(wire: Any) -> None:
    pull = wire.subscribe_body("bob@acme.test").replace("StreamingSubscriptionRequest", "PullSubscriptionRequest")
    assert (await wire.call(pull)).code == "ErrorInvalidSubscriptionRequest"
    everything = wire.subscribe_body("bob@acme.test").replace(
        "<m:StreamingSubscriptionRequest>", '<m:StreamingSubscriptionRequest SubscribeToAllFolders="true">'
    )
    assert (await wire.call(everything)).code == "ErrorInvalidSubscriptionRequest"


async def test_a_subscription_nobody_reads_expires(make_lab: Any) -> None:
    wire = await make_lab(subscription_minutes=0.0)
    stream = await wire.stream(await wire.subscribe("bob@acme.test"))
    assert "ErrorSubscriptionNotFound" in (await stream.raw()).decode()


async def test_what_is_not_ews_fails_the_schema(wire: Any) -> None:
    for data in (b"", b"<x/>", b"<!DOCTYPE x><x/>", b"<s:Envelope"):
        async with wire.http.post(wire.lab.url, data=data, headers=wire.login("svc-rainbow")) as answer:
            assert answer.status == 500
            assert b"ErrorSchemaValidation" in await answer.read()
    assert (await wire.call("<m:NoSuchThing/>")).code == "ErrorInvalidRequest"
    assert (await wire.call(wire.subscribe_body(), version="Exchange2099")).code == "ErrorInvalidServerVersion"
