"""The out-of-office, its tips, and who may see what (ews.md §5)."""

from datetime import UTC, datetime
from typing import Any

import pytest

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def read(address: str = "alice@acme.test") -> str:
    mailbox = f"<t:Mailbox><t:Address>{address}</t:Address></t:Mailbox>"
    return f"<m:GetUserOofSettingsRequest>{mailbox}</m:GetUserOofSettingsRequest>"


def write(state: str, start: str = "2026-11-24T10:00:00Z", end: str = "2026-11-25T10:00:00Z") -> str:
    return (
        "<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>alice@acme.test</t:Address></t:Mailbox><t:UserOofSettings>"
        f"<t:OofState>{state}</t:OofState><t:ExternalAudience>Known</t:ExternalAudience>"
        f"<t:Duration><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:Duration>"
        "<t:InternalReply><t:Message>&lt;p&gt;inside&lt;/p&gt;</t:Message></t:InternalReply>"
        "<t:ExternalReply><t:Message>outside</t:Message></t:ExternalReply></t:UserOofSettings>"
        "</m:SetUserOofSettingsRequest>"
    )


def tips(*addresses: str) -> str:
    named = "".join(f"<t:Mailbox><t:EmailAddress>{each}</t:EmailAddress></t:Mailbox>" for each in addresses)
    return (
        "<m:GetMailTips><m:SendingAs><t:EmailAddress>bob@acme.test</t:EmailAddress></m:SendingAs>"
        f"<m:Recipients>{named}</m:Recipients><m:MailTipsRequested>OutOfOfficeMessage</m:MailTipsRequested></m:GetMailTips>"
    )


@pytest.fixture
async def noon(make_lab: Any) -> Any:
    """Give a lab at noon."""
    return await make_lab(now=lambda: NOW)


async def test_what_is_set_is_read_by_owner_and_by_impersonation(noon: Any) -> None:
    assert (await noon.call(write("Scheduled"), account="alice@acme.test")).code == "NoError"
    for options in ({"account": "alice@acme.test"}, {"impersonate": "alice@acme.test"}):
        got = await noon.call(read(), **options)
        assert (got.one("t:OofState"), got.one("t:ExternalAudience")) == ("Scheduled", "Known")
        assert (got.one("t:StartTime"), got.one("t:EndTime")) == ("2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z")
        assert got.all("t:Message") == ["<p>inside</p>", "outside"]


async def test_anothers_settings_end_in_the_fault_without_a_code(noon: Any) -> None:
    answer = await noon.call(read("bob@acme.test"))
    assert answer.status == 500
    assert answer.root.findtext(".//faultcode") == "soap:Client"
    assert answer.root.findtext(".//faultstring").startswith("Microsoft.Exchange.Data.Storage.AccessDeniedException")
    assert b"ResponseCode" not in answer.data


async def test_a_schedule_must_end_after_its_start_and_after_now(noon: Any) -> None:
    for start, end in (
        ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"),
        ("2026-11-23T10:00:00Z", "2026-11-24T11:00:00Z"),
    ):
        answer = await noon.call(write("Scheduled", start, end), account="alice@acme.test")
        assert answer.code == "ErrorInvalidScheduledOofDuration"
    assert (await noon.call(read(), account="alice@acme.test")).one("t:OofState") == "Disabled"


@pytest.mark.parametrize(
    ("state", "start", "message", "ends"),
    [
        ("Enabled", "2026-11-24T10:00:00Z", "<p>inside</p>", []),
        ("Scheduled", "2026-11-24T10:00:00Z", "<p>inside</p>", ["2026-11-25T10:00:00Z"]),
        ("Scheduled", "2026-11-24T13:00:00Z", "", []),
        ("Disabled", "2026-11-24T10:00:00Z", "", []),
    ],
)
async def test_tips_show_only_the_message_in_effect(
    noon: Any, state: str, start: str, message: str, ends: list[str]
) -> None:
    await noon.call(write(state, start), account="alice@acme.test")
    answer = await noon.call(tips("alice@acme.test", "bob@acme.test"))
    assert answer.all("t:Message") == [message, ""]
    assert answer.all("t:EndTime") == ends
    assert answer.all("t:EmailAddress") == ["alice@acme.test", "bob@acme.test"]


async def test_tips_can_be_pending_limited_and_off(noon: Any) -> None:
    await noon.dials(pending_mail_tips=["alice@acme.test"], mail_tips_limit=1)
    answer = await noon.call(tips("alice@acme.test"))
    assert (answer.one("t:PendingMailTips"), answer.all("t:OutOfOffice")) == ("OutOfOfficeMessage", [])
    assert (await noon.call(tips("alice@acme.test", "bob@acme.test"))).code == "ErrorInvalidRequest"
    asked = (
        "<m:GetServiceConfiguration><m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName>"
        "</m:RequestedConfiguration></m:GetServiceConfiguration>"
    )
    got = await noon.call(asked)
    assert (got.one("t:MailTipsEnabled"), got.one("t:MaxRecipientsPerGetMailTipsRequest")) == ("true", "1")
    await noon.dials(mail_tips_enabled=False)
    assert (await noon.call(tips("alice@acme.test"))).code == "ErrorMailTipsDisabled"


async def test_the_out_of_office_makes_no_event(noon: Any) -> None:
    await noon.dials(heartbeat_seconds=0.05)
    stream = await noon.stream(await noon.subscribe(impersonate="alice@acme.test"))
    await stream.message()
    await noon.call(write("Enabled"), account="alice@acme.test")
    assert (await stream.message()).find("{*}Notifications") is None


async def test_names_are_resolved_to_all_their_addresses(noon: Any) -> None:
    def resolve(entry: str) -> str:
        asked = f"<m:UnresolvedEntry>{entry}</m:UnresolvedEntry>"
        return f'<m:ResolveNames ReturnFullContactData="true">{asked}</m:ResolveNames>'

    one = await noon.call(resolve("al@acme.test"))
    assert (one.code, one.one("t:EmailAddress")) == ("NoError", "alice@acme.test")
    assert one.all("t:Entry") == ["SMTP:alice@acme.test", "smtp:al@acme.test"]
    two = await noon.call(resolve("Martin"))
    assert (two.code, two.all("t:EmailAddress")) == (
        "ErrorNameResolutionMultipleResults",
        ["alice@acme.test", "bob@acme.test"],
    )
    assert (await noon.call(resolve("zoe"))).code == "ErrorNameResolutionNoResults"


@pytest.mark.parametrize(
    ("form", "start", "end"),
    [
        ("utc", "2026-03-27T17:00:00Z", "2026-03-30T06:00:00Z"),
        ("offset", "2026-03-27T18:00:00+01:00", "2026-03-30T08:00:00+02:00"),
        ("bare", "2026-03-27T17:00:00", "2026-03-30T06:00:00"),
    ],
)
async def test_times_are_written_as_the_dial_says(noon: Any, form: str, start: str, end: str) -> None:
    noon.lab.directory.by_address["alice@acme.test"].oof.start = datetime(2026, 3, 27, 17, tzinfo=UTC)
    noon.lab.directory.by_address["alice@acme.test"].oof.end = datetime(2026, 3, 30, 6, tzinfo=UTC)
    await noon.dials(absence_times=form)
    got = await noon.call(read(), account="alice@acme.test")
    assert (got.one("t:StartTime"), got.one("t:EndTime")) == (start, end)


async def test_a_tip_may_be_cut_and_without_its_times(noon: Any) -> None:
    await noon.call(write("Scheduled"), account="alice@acme.test")
    await noon.dials(mail_tip_characters=6, mail_tip_durations=False)
    answer = await noon.call(tips("alice@acme.test"))
    assert (answer.all("t:Message"), answer.all("t:EndTime")) == (["<p>ins"], [])


async def test_tip_and_settings_are_refused_by_themselves(noon: Any) -> None:
    await noon.dials(
        mail_tip_errors={"alice@acme.test": "ErrorMailRecipientNotFound"},
        absence_errors={"bob@acme.test": "ErrorAccessDenied"},
    )
    answer = await noon.call(tips("alice@acme.test", "bob@acme.test"))
    assert answer.all("m:ResponseCode") == ["NoError", "ErrorMailRecipientNotFound", "NoError"]
    assert (await noon.call(read(), account="alice@acme.test")).code == "NoError"
    assert (await noon.call(read("bob@acme.test"), account="bob@acme.test")).code == "ErrorAccessDenied"


async def test_the_company_says_who_outside_gets_replies_at_all(noon: Any) -> None:
    await noon.call(write("Enabled"), account="alice@acme.test")
    await noon.dials(external_replies="None")
    got = await noon.call(read(), account="alice@acme.test")
    assert (got.one("t:ExternalAudience"), got.one("m:AllowExternalOof")) == ("Known", "None")
