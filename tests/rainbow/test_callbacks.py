import pytest

from rainbow_exchange.rainbow.callbacks import Callback, MalformedCallback, read


def test_ready_is_read_as_rainbow_documents_it() -> None:
    body = b'{"id":"cnx-1","timestamp":"2026-01-05T08:00:00.000001Z","userId":"5f01","connection":{"state":"ready"}}'
    callback = read("connection", body)
    assert callback == Callback(name="connection", connection_id="cnx-1", user_id="5f01", payload={"state": "ready"})
    assert callback.state == "ready"


def test_callback_without_user_is_of_an_older_rainbow() -> None:
    assert read("presence", b'{"id":"cnx-1","presence":{"from":"5f02"}}').user_id is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("connection", b'{"id":"c","connection":{"state":3}}'),
        ("connection", b'{"id":"c","connection":"ready"}'),
        ("connection", b'{"id":"c"}'),
        ("presence", b'{"id":"c","presence":{"state":"ready"}}'),
    ],
)
def test_anything_else_is_no_state(name: str, body: bytes) -> None:
    assert read(name, body).state == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'"id"',
        b"{}",
        b'{"id":3}',
        b'{"id":" "}',
        b'{"id":"\\ud800"}',
        b'{"id":"c"',
        b"[" * 60_000,
        b'{"id":"c","x":' + b"9" * 60_000 + b"}",
    ],
    ids=range(11),
)
def test_what_is_no_callback_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        read("connection", body)
