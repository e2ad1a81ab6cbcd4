import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rainbow_exchange.cli import local_api
from rainbow_exchange.cli.local_api import CANNOT_TELL, NOT_RUNNING, NoAnswerError
from rainbow_exchange.errors import UserError
from rainbow_exchange.web import runtime
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any


def refused(folder: Path, path: str = "/api/status", seconds: float = 5.0) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as caught:
        local_api.ask(folder, path, seconds=seconds)
    assert caught.value.action
    return caught.value


@contextmanager
def foreign(answer: Callable[[socket.socket, bytes], None]) -> Iterator[tuple[int, list[bytes]]]:
    """Listen as another program; give its port and what was sent to it."""
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            request = connection.recv(65536)
            received.append(request)
            answer(connection, request)
            while more := connection.recv(65536):
                received.append(more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], received
        thread.join(10)
        assert not thread.is_alive()


def say(body: bytes, status: bytes = b"200 OK") -> Callable[[socket.socket, bytes], None]:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    return lambda connection, _request: connection.sendall(head + body)


def test_the_daemon_that_proves_itself_is_asked(page: Page) -> None:
    assert local_api.ask(page.folder, "/api/status") == page.status


def test_no_runtime_file_means_not_running(tmp_path: Path) -> None:
    error = refused(tmp_path)

    assert error.state == NOT_RUNNING
    assert str(tmp_path / "runtime.json") in str(error)
    assert "--config" in error.action


def test_a_file_left_behind_means_not_running(page: Page) -> None:
    port = free_port()
    page.publish(port=port)

    error = refused(page.folder)

    assert error.state == NOT_RUNNING
    assert f"port {port}" in str(error)


@pytest.mark.parametrize(
    "body", [b"hello", b"[]", b'{"proof": 1}', b'{"proof": "' + b"0" * 64 + b'"}', '{"proof": "é"}'.encode()]
)
def test_another_program_on_the_port_gets_no_token(page: Page, body: bytes) -> None:
    with foreign(say(body)) as (port, received):
        page.publish(port=port)
        error = refused(page.folder)

    assert error.state == CANNOT_TELL
    assert "another program answers" in str(error)
    sent = b"".join(received)
    assert b"Authorization" not in sent
    assert page.token.encode() not in sent
    assert page.nonce.encode() not in sent


def test_an_answer_that_was_recorded_before_is_no_proof(page: Page) -> None:
    recorded = runtime.proof(page.nonce, runtime.new_challenge()).encode()

    with foreign(say(b'{"proof": "' + recorded + b'"}')) as (port, received):
        page.publish(port=port)
        assert refused(page.folder).state == CANNOT_TELL

    assert page.token.encode() not in b"".join(received)


def test_the_token_goes_over_the_connection_that_was_proved(page: Page) -> None:
    """A program that proves itself and closes must not be replaced by another one for the second request."""

    def prove_and_close(connection: socket.socket, request: bytes) -> None:
        challenge = request.split(b"challenge=")[1].split(b" ")[0].decode()
        body = b'{"proof": "' + runtime.proof(page.nonce, challenge).encode() + b'"}'
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
        connection.sendall(head + body)

    with foreign(prove_and_close) as (port, received):
        page.publish(port=port)
        assert refused(page.folder).state == CANNOT_TELL

    assert page.token.encode() not in b"".join(received)


def test_a_redirect_is_not_followed(page: Page) -> None:
    with foreign(say(b"", b"302 Found\r\nLocation: http://127.0.0.1/")) as (port, _):
        page.publish(port=port)
        assert refused(page.folder).state == CANNOT_TELL


def test_a_program_that_says_nothing_is_left_in_time(page: Page) -> None:
    def drip(connection: socket.socket, _request: bytes) -> None:
        try:
            for _ in range(2000):
                connection.sendall(b"H")
                time.sleep(0.05)
        except OSError:
            return

    with foreign(drip) as (port, _):
        page.publish(port=port)
        begin = time.monotonic()
        error = refused(page.folder, seconds=0.3)

    assert error.state == CANNOT_TELL
    assert time.monotonic() - begin < 60
    assert "did not answer within 0.3 s" in str(error)


def test_an_endless_answer_is_cut(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_api, "_MAX_ANSWER_BYTES", 100)
    with foreign(say(b"x" * 200)) as (port, _):
        page.publish(port=port)
        assert refused(page.folder).state == CANNOT_TELL


def test_a_wrong_token_is_told(page: Page) -> None:
    page.publish(token="wrong")

    error = refused(page.folder)

    assert (error.state, str(error), error.action) == (
        CANNOT_TELL,
        "the daemon was started anew this moment",
        "try again",
    )


def test_a_daemon_of_another_version_is_told(page: Page) -> None:
    error = refused(page.folder, "/api/nothing")

    assert (error.state, str(error)) == (
        CANNOT_TELL,
        "the daemon does not know what is asked: it is of another version",
    )


def test_what_the_daemon_refuses_is_told_with_its_reason(page: Page) -> None:
    with pytest.raises(NoAnswerError) as caught:
        local_api.ask(page.folder, "/api/preview", content={"address": " "})

    assert str(caught.value) == 'the daemon refuses what is asked (not understood: {"address": "..."} is needed)'


@pytest.mark.parametrize("size", [70_000, 5_000_000])
def test_more_than_the_daemon_reads_is_not_sent(page: Page, size: int) -> None:
    with pytest.raises(UserError, match="more than the service reads at once, 64 KiB"):
        local_api.ask(page.folder, "/api/preview", content={"address": "a" * size})


def test_an_answer_that_is_no_json_is_told(page: Page) -> None:
    error = refused(page.folder, "/metrics")

    assert "not JSON" in str(error)


def test_a_missing_token_is_told(page: Page) -> None:
    (page.folder / "web-token").unlink()

    error = refused(page.folder)

    assert error.state == CANNOT_TELL
    assert "web-token cannot be read" in str(error)
    assert "account" in error.action


def test_a_runtime_file_of_another_version_is_told(page: Page) -> None:
    (page.folder / "runtime.json").write_text("{}")

    assert "not written by this version" in str(refused(page.folder))


def test_a_runtime_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "runtime.json").mkdir()

    error = refused(tmp_path)

    assert error.state == CANNOT_TELL
    assert "cannot be read" in str(error)


def test_an_address_that_cannot_be_reached_is_told(page: Page) -> None:
    page.publish(host="name.invalid")

    assert refused(page.folder).state == CANNOT_TELL
