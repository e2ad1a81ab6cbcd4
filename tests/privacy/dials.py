"""Every dial of both sides of the lab, each turned to what it can do: what a marked company lives through."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.privacy.company import BODY, GUEST, PLACE, SUBJECT, TEXT

#: somebody of another company, and words that only a server says
STRANGER, WORD = "str4711", "Wrd4711"
#: what both sides say when they refuse something
WORDS = f"cannot be done: {SUBJECT}, {TEXT}, {PLACE} <{BODY}> {WORD} of {STRANGER}@elsewhere.test and {GUEST}@acme.test"
#: stand so all the time
ALWAYS_EXCHANGE: dict[str, Any] = {"error_words": WORDS, "unasked_fields": True}
ALWAYS_RAINBOW: dict[str, Any] = {"refusal_words": WORDS, "echo_answers": True}
#: over REST Rainbow is sent no subject and no text: it could repeat whom a call was about, and what opens a door
REST_WORDS = f"{STRANGER}@elsewhere.test, {STRANGER}.x@acme.test: Bearer {WORD}abcdef0123, https://me:{WORD}@x.test/"
#: dials that are left alone, and why
LEFT_EXCHANGE = {
    "keep_bodies": "what the lab keeps for tests: nobody is told anything else",
    "trusted_user_header": "a server in front says who asks: the connector sends what it always does",
}
LEFT_RAINBOW = {
    "free_activations": "of signing up, which is another way: tests of the page turn it, and are heard as all are",
    "activation_delay_seconds": "as free_activations",
    "activation_in_data": "as free_activations",
    "lose_activation": "as free_activations",
    "refuse_activation": "as free_activations",
    "second_activation": "as free_activations",
    "existing_connector": "as free_activations",
    "connector_roles": "as free_activations",
    "connector_deletes_itself": "as free_activations",
    "creation_dates": "as free_activations",
    "administrator_roles": "as free_activations",
    "managed_companies": "as free_activations",
}


class Turn(NamedTuple):
    """Dials of one side, and whether the connector is started anew once they stand so."""

    side: str
    dials: dict[str, Any]
    anew: bool = False

    def __str__(self) -> str:
        return f"{self.side} {self.dials}"


def turns(ada: str) -> list[Turn]:
    """Give all; `ada` is the mailbox of one who is in trouble."""
    return [*_of_exchange(ada), *_of_rainbow()]


def _of_exchange(ada: str) -> Iterator[Turn]:
    sso = "svc-rainbow"
    dials: dict[str, Any]
    for dials in (
        {"impersonation": False},
        {"passwords": {sso: "another than before 4711"}, "lock_out_after": 1},
        {"locked_accounts": [sso]},
        {"expired_accounts": [sso]},
        {"auth_schemes": ["NTLM"], "extended_protection": "require"},
        {"auth_schemes": ["NTLM"], "authenticated_requests": 2},
        {"auth_schemes": ["NTLM"], "balanced_per_request": True},
        {"auth_schemes": ["NTLM"], "refuse_early_bodies": True},
        {"auth_schemes": ["Negotiate"]},
        {"auth_schemes": ["Bearer"]},
        {"service_accounts": ["svc-other"], "unauthorized": True},
        {"oauth_token_seconds": 1},
        {"token_status": 500},
        {"token_status": 400},
        {"autodiscover_forms": ["pox"]},
        {"autodiscover_forms": []},
        {"autodiscover_absent_hosts": ["127.0.0.1"]},
        {"autodiscover_http_redirects": {"127.0.0.1": f"https://{STRANGER}:{WORD}@elsewhere.test/autodiscover"}},
        {"autodiscover_redirect_urls": {"127.0.0.1": f"https://{STRANGER}@elsewhere.test/a?token={WORD}"}},
        {"autodiscover_redirect_addresses": {ada: f"{STRANGER}@elsewhere.test"}},
        {"ews_urls": {"": f"https://{STRANGER}:{WORD}@elsewhere.test/EWS/Exchange.asmx"}},
        {"groupings": {ada: WORD}},
        {"password_expires": "2026-03-05T00:00:00Z"},
        {"unknown_versions": ["Exchange2013_SP1", "Exchange2013"]},
        {"unknown_operations": ["GetMailTips", "GetPasswordExpirationDate", "GetServiceConfiguration"]},
        {"mail_tips_enabled": False},
    ):
        yield Turn("exchange", dials, anew=True)
    for dials in (
        {"mailbox_errors": {ada: "ErrorAccessDenied"}},
        {"mailbox_errors": {ada: "ErrorMailboxStoreUnavailable"}},
        {"availability_errors": {ada: "ErrorMailboxFailover"}},
        {"absence_errors": {ada: "ErrorAccessDenied"}, "mail_tip_errors": {ada: "ErrorMailRecipientNotFound"}},
        {"delay_seconds": 12.0, "delay_operations": ["FindItem"], "delay_mailboxes": [ada]},
        {"late_seconds": 5.0, "late_operations": ["FindItem", "GetUserAvailability", "GetUserOofSettings"]},
        {"faults": {"FindItem": "ErrorInternalServerError", "GetUserAvailability": "ErrorInvalidRequest"}},
        {"faults": {"GetUserOofSettings": "ErrorAccessDenied", "GetMailTips": "ErrorInternalServerError"}},
        {"faults": {"Subscribe": "ErrorExceededSubscriptionCount", "GetStreamingEvents": "ErrorInvalidRequest"}},
        {"server_busy": "fault", "server_busy_milliseconds": 100, "server_busy_requests": 9},
        {"server_busy": "message", "server_busy_operations": ["FindItem"], "server_busy_milliseconds": -1},
        {"server_busy": "inner", "server_busy_milliseconds": 100},
        {"server_busy": "http", "server_busy_milliseconds": 2000},
        {"web_server_status": 500},
        {"web_server_status": 403},
        {"web_server_status": 404},
        {"cut_answers": "short"},
        {"cut_answers": "broken"},
        {"charrefs_in_subjects": True},
        {"stream_limit": 1},
        {"request_limit": 1},
        {"subscription_limit": 1},
        {"burst_milliseconds": 1, "recharge_milliseconds": 1, "cutoff_milliseconds": 1, "cost_milliseconds": 5},
        {"availability_days": 1, "find_item_limit": 1},
        {"series_as_one": True},
        {"mail_tips_limit": 1, "pending_mail_tips": [ada]},
        {"mail_tip_characters": 4, "mail_tip_durations": False},
        {"absence_times": "bare", "external_replies": "Known"},
        {"absence_times": "offset", "external_replies": "None"},
        {"fail_over_minutes": 0.1},
        {"move_minutes": 0.1},
        {"affinity_cookies_ignored": True},
        {"heartbeat_seconds": 600.0, "abandoned_seconds": 60.0},
        {"subscription_minutes": 0.1},
        {"suppress_notifications": True},
        {"notification_delay_seconds": 1.0, "notification_spread_seconds": 3.0, "notification_copies": 5},
        {"silence": True},
        {"bad_mailboxes": [ada], "bad_id_code": "ErrorInvalidSubscription"},
        {"bad_mailboxes": [ada], "name_bad_ids": False},
    ):
        yield Turn("exchange", dials)


def _of_rainbow() -> Iterator[Turn]:
    dials: dict[str, Any]
    for dials in (
        {"token_seconds": 12, "max_token_renew": 1},
        {"token_kind": "oauth", "strict_notify": True},
        {"token_kind": "opaque", "clock_skew_seconds": -4000},
        {"refuse_logins": True},
        {"refuse_xmpp_logins": True},
        {"sasl_mechanisms": ["SCRAM-SHA-256", "PLAIN"]},
        {"sasl_mechanisms": ["SCRAM-SHA-1"]},
        {"login_urls": [{"type": "SAML", "loginUrl": f"https://{STRANGER}:{WORD}@elsewhere.test/?token={WORD}"}]},
        {"additional_headers": [{"key": "x-special", "value": WORD}], "additional_headers_required": True},
        {"paging": "short", "page_limit": 1},
        {"paging": "repeated", "page_limit": 1, "page_limit_said": False},
        {"paging": "swaps", "paging_moves": 3, "page_limit": 1},
        {"address_filters": "ignored", "list_account": True},
        {"connector_reads_company": False},
        {"s2s_callbacks": False},
        {"s2s_ready_seconds": 2.0, "s2s_echo_presence": True},
    ):
        yield Turn("rainbow", dials, anew=True)
    refused: dict[str, Any] = {"refuse_next": 9, "refuse_retry_after": 1, "refusal_words": REST_WORDS}
    for dials in (
        *({**refused, "refuse_body": body, "refuse_status": 403} for body in ("json", "bare", "html", "empty", "ok")),
        {**refused, "refuse_status": 429, "refuse_retry_after_form": "date", "refuse_path": "/notify"},
        {**refused, "refuse_status": 401, "refuse_path": "/login"},
        {**refused, "refuse_status": 500, "refuse_path": "/users"},
        {"break_next": 2, "break_path": "/notify", "break_when": "before"},
        {"break_next": 1, "break_path": "xmpp:answer"},
        {"rest_late_seconds": 4.0},
        {"known_users_only": True},
        {"ask": False},
        {"question_type": "set", "asked_email": "upper", "question_dates": False},
        {"question_seconds": 0.2, "question_hours": 600, "questions_in_flight": 1},
        {"asker": f"{STRANGER}@elsewhere.test/{WORD}"},
        {"asker": f"{STRANGER}@lab.rainbow.test/{WORD}"},
        {"max_stanza_bytes": 900},
        {"read_frame_seconds": 1.0},
        {"elsewhere": f"wss://{STRANGER}:{WORD}@elsewhere.test/{WORD}"},
        {"command_ids": False},
    ):
        yield Turn("rainbow", dials)
