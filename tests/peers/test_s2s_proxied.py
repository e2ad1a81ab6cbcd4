"""The S2S link behind a reverse proxy that is not ours: Apache ends TLS and passes callbacks on, as the how-to says."""

import asyncio
from typing import Any

import aiohttp
import pytest
import trustme

from tests import link_rig

pytestmark = pytest.mark.peer

MODULES = "/usr/lib/apache2/modules"
HTTPD = """
ServerRoot {here}
ServerName localhost
PidFile {here}/httpd.pid
DefaultRuntimeDir {here}
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
StartServers 1
ErrorLog {here}/error.log
Listen 127.0.0.1:{port}
SSLEngine on
SSLCertificateFile {here}/server.pem
ProxyPreserveHost {preserve}
ProxyPass /rainbow/ http://127.0.0.1:{backend}{path}
"""


@pytest.mark.parametrize(("path", "preserve"), [("/rainbow/", "Off"), ("/", "On")], ids=["path kept", "path taken"])
async def test_rainbow_calls_back_through_a_reverse_proxy(installed: Any, path: str, preserve: str) -> None:
    installed.need("apache2-bin", "apache2", f"{MODULES}/mod_proxy_http.so")
    with installed.folder() as here:
        pem = trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem
        pem.write_to_path(here / "server.pem")
        async with link_rig.made("s2s") as rig:
            port = installed.free_port()
            user = "User www-data\nGroup www-data" if installed.as_root() else ""
            settings = {"modules": MODULES, "user": user, "preserve": preserve, "path": path}
            (here / "httpd.conf").write_text(HTTPD.format(here=here, port=port, backend=rig.port, **settings))
            options = ("-f", here / "httpd.conf", "-DFOREGROUND")
            with installed.running("apache2", *options, port=port, out=here / "out"):
                life = await rig.connected(callback_url=f"https://127.0.0.1:{port}/rainbow")
                entries = await asyncio.gather(*(rig.ask(email=f"{number}@acme.test") for number in range(50)))
                assert {(entry["link"], entry["outcome"]) for entry in entries} == {("s2s", "result")}
                assert len(life.questions) == 50
                async with (
                    aiohttp.ClientSession() as session,
                    session.post(f"https://127.0.0.1:{port}/rainbow/x", json={}, ssl=False) as answer,
                ):
                    # What the how-to has an administrator look for.
                    assert (answer.status, answer.headers["Content-Length"]) == (404, "0")
                assert life.link.callbacks["misdirected"] == 1  # type: ignore[attr-defined]  # an S2S link's
                await life.stop()
