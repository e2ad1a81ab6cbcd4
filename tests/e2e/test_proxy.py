"""A proxy that refuses the password: one attempt of the process, over restarts, until somebody asks."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

pytestmark = [pytest.mark.e2e]


class Refusing(socketserver.StreamRequestHandler):
    """Refuses everybody, and keeps who was presented."""

    presented: ClassVar[list[str]] = []

    def handle(self) -> None:
        while (line := self.rfile.readline().decode().strip()) != "":
            if line.lower().startswith("proxy-authorization:"):
                self.presented.append(line.partition(": ")[2])
        self.wfile.write(
            b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n'
            b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )


@pytest.fixture
def refusing() -> Iterator[int]:
    """Run such a proxy; gives its port."""
    Refusing.presented.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_proxys_wrong_password_is_one_attempt_over_restarts(
    world: Any, person: Callable[..., dict[str, Any]], eventually: Callable[..., Any], refusing: int
) -> None:
    lab = world.lab([person("ada")])
    settings = {"EXCHANGE__PROXY_URL": f"http://joe:wrong@127.0.0.1:{refusing}"}
    first = world.connector(lab, **settings)
    problem = first.problem("exchange-unreachable")
    assert problem["text"] == f"The proxy 127.0.0.1:{refusing} refuses the user name or password (HTTP 407)."
    assert "rainbow-exchange retry --all tries it once more" in problem["action"]
    assert first.stop() == 0
    again = world.connector(lab, **settings)
    again.problem("exchange-unreachable")
    # base64 of "joe:wrong", as the base64 command has it
    assert Refusing.presented == ["Basic am9lOndyb25n"]
    again.retry()
    eventually(lambda: len(Refusing.presented) == 2, "the attempt that was asked for")
    assert again.stop() == 0
    assert len(Refusing.presented) == 2
