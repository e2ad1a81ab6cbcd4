"""Asking the running daemon, after it has proved that it is the daemon (`docs/reference/status.md`)."""

import contextlib
import hmac
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rainbow_exchange.errors import RainbowExchangeError, UserError
from rainbow_exchange.json_text import read_json
from rainbow_exchange.network.shown import printable
from rainbow_exchange.web import runtime
from rainbow_exchange.web.calls import MAX_BODY_BYTES

_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_SECONDS = 5.0


NOT_RUNNING, CANNOT_TELL = "not running", "cannot tell"
#: of commands that need the daemon
EXIT_CODES = {NOT_RUNNING: 3, CANNOT_TELL: 4}


class NoAnswerError(RainbowExchangeError):
    """The daemon was not reached. `state` is NOT_RUNNING or CANNOT_TELL; the text says why, `action` what to do."""

    def __init__(self, state: str, text: str, action: str) -> None:
        super().__init__(text)
        self.state = state
        self.action = action


def ask(
    folder: Path, path: str, *, content: object = None, schema: int | None = None, seconds: float = _SECONDS
) -> Any:
    """GET `path` from the daemon whose `runtime.json` lies in `folder`, or POST `content` as JSON; give its JSON.

    With `schema` it is an object with this `schema_version`. Raises NoAnswerError, and UserError for content that no
    daemon reads.
    """
    body = None if content is None else json.dumps(content).encode()
    if body is not None and len(body) > MAX_BODY_BYTES:
        raise UserError([f"That is more than the service reads at once, {MAX_BODY_BYTES // 1024} KiB: ask for less."])
    found = _find(folder)
    where = f"{found.host} port {found.port}"
    connection = http.client.HTTPConnection(found.host, found.port, timeout=seconds)
    try:
        connection.connect()
    except ConnectionRefusedError:
        raise NoAnswerError(
            NOT_RUNNING,
            f"nothing listens on {where}; the daemon ended without removing {folder / runtime.RUNTIME_NAME}",
            "start it again (rainbow-exchange run, or its service) and look at its log",
        ) from None
    except OSError as error:
        raise NoAnswerError(CANNOT_TELL, f"{where} does not answer ({error})", "look at the daemon's log") from error
    # The token must go to the one who proved itself: never over a second connection.
    connection.auto_open = 0
    try:
        with _time_limit(connection, seconds):
            _let_it_prove_itself(connection, found, where)
            status, answer = _send(connection, path, {"Authorization": f"Bearer {_token(folder)}"}, body)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(
            CANNOT_TELL,
            f"{where} did not answer within {seconds:g} s or broke off ({type(error).__name__})",
            "look at the daemon's log; it may be overloaded or hang",
        ) from error
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise _refusal(status, answer)
    given = _json(answer, where)
    if schema is not None and not (isinstance(given, dict) and given.get("schema_version") == schema):
        raise another_version()
    return given


def another_version() -> NoAnswerError:
    """Say that what the daemon answered is not what this command reads."""
    return NoAnswerError(
        CANNOT_TELL, "the daemon is of another version than this command", "use the command of the daemon's version"
    )


def is_running(folder: Path) -> bool:
    """Whether a daemon with this data folder answers. Raises NoAnswerError where it cannot be told."""
    try:
        ask(folder, "/api/status")
    except NoAnswerError as error:
        if error.state != NOT_RUNNING:
            raise
        return False
    return True


#: what the daemon says without a word in its log
_REFUSALS: dict[int, tuple[str, str]] = {
    http.HTTPStatus.NOT_FOUND: (
        "the daemon does not know what is asked: it is of another version",
        "use the command of the daemon's version",
    ),
    http.HTTPStatus.UNAUTHORIZED: ("the daemon was started anew this moment", "try again"),
    http.HTTPStatus.SERVICE_UNAVAILABLE: ("the daemon is asked too much at once", "try again in a moment"),
}


def _refusal(status: int, answer: bytes) -> NoAnswerError:
    if status == http.HTTPStatus.BAD_REQUEST:
        said = printable(answer[:200].decode(errors="replace").strip()) or "no reason given"
        return NoAnswerError(
            CANNOT_TELL,
            f"the daemon refuses what is asked ({said})",
            "correct it, or use the command of the daemon's version",
        )
    text, action = _REFUSALS.get(status, (f"the daemon answered with status {status}", "look at the daemon's log"))
    return NoAnswerError(CANNOT_TELL, text, action)


def _find(folder: Path) -> runtime.Runtime:
    file = folder / runtime.RUNTIME_NAME
    try:
        found = runtime.read(folder)
    except OSError as error:
        raise NoAnswerError(
            CANNOT_TELL,
            f"{file} cannot be read ({error.strerror})",
            "run this as the account of the service, or as administrator",
        ) from None
    except ValueError:
        raise NoAnswerError(
            CANNOT_TELL, f"{file} was not written by this version", "use the command of the daemon's version"
        ) from None
    if found is None:
        raise NoAnswerError(
            NOT_RUNNING,
            f"there is no {file}",
            "start it (rainbow-exchange run), or name its settings file with --config",
        )
    return found


def _token(folder: Path) -> str:
    try:
        return runtime.read_token(folder)
    except (OSError, ValueError) as error:
        raise NoAnswerError(
            CANNOT_TELL,
            f"{folder / runtime.TOKEN_NAME} cannot be read ({error})",
            "run this as the account of the service, or as administrator",
        ) from None


def _let_it_prove_itself(connection: http.client.HTTPConnection, found: runtime.Runtime, where: str) -> None:
    challenge = runtime.new_challenge()
    status, answer = _send(connection, f"/api/nonce?challenge={challenge}", {})
    expected = runtime.proof(found.nonce, challenge)
    given: object = None
    if status == http.HTTPStatus.OK:
        with contextlib.suppress(ValueError):
            content = read_json(answer)
            given = content.get("proof") if isinstance(content, dict) else None
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NoAnswerError(
            CANNOT_TELL,
            f"another program answers on {where}",
            "see which program listens there; the daemon has ended, or was started anew this moment",
        )


def _send(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, bytes]:
    if body is None:
        connection.request("GET", path, headers=headers)
    else:
        connection.request("POST", path, body=body, headers=headers | {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read(_MAX_ANSWER_BYTES + 1)
    if len(answer) > _MAX_ANSWER_BYTES:
        raise http.client.HTTPException
    return response.status, answer


def _json(answer: bytes, where: str) -> Any:
    try:
        return read_json(answer)
    except ValueError:
        raise NoAnswerError(
            CANNOT_TELL, f"{where} answered something that is not JSON", "look at the daemon's log"
        ) from None


@contextlib.contextmanager
def _time_limit(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """End the connection after `seconds`, also where the other side keeps sending a byte now and then."""
    taken = connection.sock

    def end() -> None:
        with contextlib.suppress(OSError):
            taken.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
