import json
import socket
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from rainbow_exchange.cli.main import commands
from tests.browsing import OPENED

if TYPE_CHECKING:
    from tests.cli.conftest import Page
else:
    Page = Any


def web_url(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["web-url", *arguments])


def opened(url: str) -> tuple[int, str]:
    """Open a link as a browser does, cookies and all."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    browser.addheaders += list(OPENED.items())
    with browser.open(url, timeout=60) as answer:
        return answer.status, answer.read().decode()


def test_the_link_that_is_printed_leads_to_the_page(page: Page) -> None:
    result = web_url()

    assert result.exit_code == 0
    assert result.stdout.startswith(f"http://127.0.0.1:{page.port}/sign-in?code=")
    assert result.stdout.count("\n") == 1
    assert result.stderr == "Open it in a browser on this machine: it signs in once, within 10 minutes.\n"
    status, text = opened(result.stdout.strip())
    assert (status, "seen by all" in text) == (200, True)
    assert page.token not in result.output


def test_as_json(page: Page) -> None:
    answer = json.loads(web_url("--json").stdout)

    assert (answer["schema_version"], answer["seconds"]) == (1, 600)
    assert answer["url"].startswith(f"http://127.0.0.1:{page.port}/sign-in?code=")


def test_another_program_on_the_port_gets_no_token_and_gives_no_link(page: Page) -> None:
    received = bytearray()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received.extend(connection.recv(65536))
            body = b'{"proof": "' + b"0" * 64 + b'", "path": "/sign-in?code=evil", "schema_version": 1}'
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            while more := connection.recv(65536):
                received.extend(more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        page.publish(port=listener.getsockname()[1])
        result = web_url()
        thread.join(60)

    assert (result.exit_code, result.stdout) == (4, "")
    assert "another program answers" in result.stderr
    assert received.startswith(b"GET /api/nonce?challenge=")
    assert page.token.encode() not in received
    assert b"Authorization" not in received


def test_without_a_daemon_it_is_3() -> None:
    result = web_url()

    assert (result.exit_code, result.stdout) == (3, "")
