"""A server in front of the lab's Exchange that says it is Exchange 2007, which knows no streams."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.error import HTTPError


@contextmanager
def older(url: str) -> Iterator[str]:
    """Stand before the Exchange at `url`; give the address by which it is older."""

    class Front(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if b"GetStreamingEvents" in body:
                self.send_error(500)
                return
            passed = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
            try:
                answer = urllib.request.urlopen(urllib.request.Request(url, body, passed), timeout=20)  # noqa: S310 (loopback)
            except HTTPError as error:
                answer = error
            with answer:
                content = answer.read().replace(b'MajorVersion="15"', b'MajorVersion="8"')
                self.send_response(answer.status)
                for name in ("Content-Type", "WWW-Authenticate"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/EWS/Exchange.asmx"
        finally:
            server.shutdown()
            thread.join()
