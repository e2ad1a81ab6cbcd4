import pytest

from rainbow_exchange.logs import redaction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: *** ***"),
        ("sent Bearer abcdefgh12", "sent Bearer ***"),
        ("sent Basic aHVudGVyOjI=", "sent Basic ***"),
        ("Basic authentication is off", "Basic authentication is off"),
        ("Basic not-base64", "Basic not-base64"),
        ("Basic abcdefg\u0131", "Basic abcdefg\u0131"),
        ("Negotiate YIIGhgYJKoZ", "Negotiate ***"),
        ("jwt eyJhbGciOi.eyJzdWIiOi.c2ln end", "jwt *** end"),
        ("at https://me:hunter2@proxy:8080/x", "at https://***@proxy:8080/x"),
        ("GET /login?token=hunter2&x=1", "GET /login?token=***&x=1"),
        ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("app_secret=hunter2", "app_secret=***"),
        ("Cookie: a=b; sid=hunter2\nHost: h", "Cookie: ***\nHost: h"),
        ("{'Set-Cookie': 'sid=hunter2; path=/', 'a': 1}", "{'Set-Cookie': '***', 'a': 1}"),
        ("it sets no cookie: is that right?", "it sets no cookie: *** that right?"),
        ("<t:Password Type='x'>hunter 2</t:Password><t:Token/>", "<t:Password Type='x'>***</t:Password><t:Token/>"),
        ("eyJhbGciOi.eyJzdWIiOi", "***"),
        ("//me:hunter2@proxy", "//me:hunter2@proxy"),
        ("wss://me@proxy", "wss://***@proxy"),
        ("token:hunter2", "token:***"),
        ("<secret>hunter2</secret>", "<secret>***</secret>"),
        ("Bearer\u00a0abcdefgh12", "Bearer\u00a0***"),
        ("cookie:a=b", "cookie:***"),
        ("ada@acme.test changed", "ada@acme.test changed"),
        ("a-" * 8_000 + "token=hunter2", "a-" * 8_000 + "token=***"),  # it would hold the loop for seconds
        ("x" * 20_000, "x" * 16_384 + "… (20000 characters)"),
    ],
)
def test_values_are_masked_by_their_looks(text: str, expected: str) -> None:
    assert redaction.redact_text(text) == expected


def test_values_are_made_plain_before_they_are_masked() -> None:
    """Masking looks into text only; whatever else there is must have become text by then."""
    event = {"event": "said", "error": ValueError("Bearer abcdefgh12"), "of": ({"token": b"hunter2"},), "at": None}

    plain = redaction.plain(None, "", event)
    assert plain == {
        "event": "said",
        "error": "ValueError('Bearer abcdefgh12')",
        "of": [{"token": "<7 bytes>"}],
        "at": None,
    }
    masked = {"event": "said", "error": "ValueError('Bearer ***')", "of": [{"token": "***"}], "at": None}
    assert redaction.redact(None, "", plain) == masked
