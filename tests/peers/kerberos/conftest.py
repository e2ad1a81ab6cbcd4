"""A Kerberos realm of our own (MIT krb5) and an Apache that demands Negotiate or NTLM in front of the lab's Exchange.

Both listen on loopback, live in folders of their own, and run for as long as the tests that ask for them.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from rainbow_exchange.lab.exchange import LabExchange, LabMailbox

MODULES = "/usr/lib/apache2/modules"
NTLMSSP = "/etc/gss/mech.d/mech.ntlmssp.conf"
PATIENCE = 60.0
PASSWORD = "lab-password"
SERVICE = "svc-rainbow"

KRB5 = """
[libdefaults]
    default_realm = ACME.TEST
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    default_ccache_name = FILE:{here}/cc
[realms]
    ACME.TEST = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = ACME.TEST
    .acme.test = ACME.TEST
"""
KDC = """
[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    ACME.TEST = {{
        database_name = {here}/principal
        key_stash_file = {here}/stash
        acl_file = {here}/kadm5.acl
        max_life = 10h
        supported_enctypes = aes256-cts-hmac-sha1-96:normal
    }}
[logging]
    kdc = FILE:{here}/kdc.log
"""
PRINCIPALS = """
addprinc +requires_preauth -pw {password} {service}@ACME.TEST
addprinc +requires_preauth -allow_tix -pw {password} svc-locked@ACME.TEST
addprinc +requires_preauth -pwexpire 2020-01-01 -pw {password} svc-expired@ACME.TEST
addprinc -randkey HTTP/localhost@ACME.TEST
ktadd -k {here}/http.keytab HTTP/localhost@ACME.TEST
ktadd -norandkey -k {here}/{service}.keytab {service}@ACME.TEST
"""
HTTPD = """
ServerRoot {here}
ServerName localhost
PidFile {here}/httpd.pid
DefaultRuntimeDir {here}
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_gssapi_module {modules}/mod_auth_gssapi.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
StartServers 1
KeepAlive On
KeepAliveTimeout 30
GracefulShutdownTimeout 1
LogLevel warn auth_gssapi:info
LogFormat "%v %u %m %>s" short
ErrorLog {here}/error.log
CustomLog {here}/access.log short
"""
# The keytab comes by the environment: GssapiCredStore beside ntlmssp crashes the module (1.6.4). Without
# GssapiConnectionBound it offers no NTLM at all.
SITE = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    ServerName {name}
    {tls}
    <Location />
        AuthType GSSAPI
        AuthName {name}
        {mechanisms}
        Require valid-user
        RequestHeader set X-Remote-User expr=%{{REMOTE_USER}}
        RequestHeader unset Authorization
    </Location>
    ProxyPass / http://127.0.0.1:{backend}/ retry=0 disablereuse=on flushpackets=on
</VirtualHost>
"""
KERBEROS = "GssapiAllowedMech krb5"
NTLM = "GssapiAllowedMech ntlmssp\n        GssapiConnectionBound On"


@dataclass(kw_only=True)
class Realm:
    """ACME.TEST with the service account and the service HTTP/localhost. `environment` is what its members need."""

    here: Path
    environment: dict[str, str]
    installed: Any

    @property
    def keytab(self) -> Path:
        return self.here / f"{SERVICE}.keytab"

    def ticket_cache(self, name: str) -> str:
        """Get a ticket with the password, as a person would, and give the cache it is in."""
        cache = f"FILE:{self.here / name}"
        self.installed.run(
            "kinit", "-c", cache, f"{SERVICE}@ACME.TEST", typed=f"{PASSWORD}\n", environment=self.environment
        )
        return cache

    def log(self) -> str:
        return (self.here / "kdc.log").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def realm(installed: Any) -> Iterator[Realm]:
    """Run the realm's KDC, or skip where it is not installed."""
    installed.need("krb5-kdc krb5-admin-server krb5-user", "krb5kdc", "kdb5_util", "kadmin.local", "kinit")
    with installed.folder() as here:
        port = installed.free_port()
        (here / "krb5.conf").write_text(KRB5.format(here=here, port=port))
        (here / "kdc.conf").write_text(KDC.format(here=here, port=port))
        made = Realm(here=here, environment={"KRB5_CONFIG": str(here / "krb5.conf")}, installed=installed)
        of_kdc = made.environment | {"KRB5_KDC_PROFILE": str(here / "kdc.conf")}
        principals = PRINCIPALS.format(here=here, password=PASSWORD, service=SERVICE)
        installed.run("kdb5_util", "create", "-s", "-r", "ACME.TEST", "-P", "master", environment=of_kdc)
        installed.run("kadmin.local", typed=principals, environment=of_kdc)
        with installed.running("krb5kdc", "-n", port=port, out=here / "kdc.out", environment=of_kdc):
            yield made


@dataclass(kw_only=True)
class Apache:
    """Where it listens: `kerberos` and `ntlm` over http, `both` over TLS with the certificate of `ca_file`."""

    here: Path
    backend: int
    ca_file: Path
    ports: dict[str, int]

    def url(self, site: str) -> str:
        return f"http{'s' if site == 'both' else ''}://localhost:{self.ports[site]}/EWS/Exchange.asmx"

    def answers(self) -> list[tuple[str, str, str]]:
        """Give each answer to a POST so far: the site, who had signed in ("-": nobody), the status."""
        lines = (line.split() for line in (self.here / "access.log").read_text(encoding="utf-8").splitlines())
        return [(site, user, status) for site, user, method, status in lines if method == "POST"]


class Answers:
    """Apache's answers to POSTs from here on; it writes them down after they are out."""

    def __init__(self, apache: Apache, before: int) -> None:
        self._apache = apache
        self._before = before

    async def first(self, count: int) -> list[tuple[str, str, str]]:
        """Give them once there are so many, a moment later, so that one too many is seen, too."""
        async with asyncio.timeout(PATIENCE):
            while len(self._apache.answers()) < self._before + count:  # noqa: ASYNC110  (a file that another process writes)
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        return self._apache.answers()[self._before :]


@pytest.fixture(scope="session")
def front(installed: Any, realm: Realm) -> Iterator[Apache]:
    """Run Apache, or skip where it is not installed; a port behind it is kept for the lab."""
    installed.need(
        "apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp", "apache2", f"{MODULES}/mod_auth_gssapi.so", NTLMSSP
    )
    with installed.folder() as here:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(here / "ca.pem")
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(here / "server.pem")
        users, keytab = here / "ntlm.users", here / "http.keytab"
        users.write_text(f"ACME:{SERVICE}:{PASSWORD}\nACME:alice:{PASSWORD}\n")
        shutil.copy(realm.here / "http.keytab", keytab)
        user = ""
        if installed.as_root():
            user = "User www-data\nGroup www-data"
            for secret in (users, keytab):
                shutil.chown(secret, "www-data")
        made = Apache(
            here=here,
            backend=installed.free_port(),
            ca_file=here / "ca.pem",
            ports={name: installed.free_port() for name in ("kerberos", "ntlm", "both")},
        )
        settings = HTTPD.format(here=here, modules=MODULES, user=user)
        for name, mechanisms in {"kerberos": KERBEROS, "ntlm": NTLM, "both": f"{KERBEROS}\n        {NTLM}"}.items():
            tls = f"SSLEngine on\n    SSLCertificateFile {here}/server.pem" if name == "both" else ""
            settings += SITE.format(
                name=name, port=made.ports[name], tls=tls, mechanisms=mechanisms, backend=made.backend
            )
        (here / "httpd.conf").write_text(settings)
        environment = realm.environment | {"KRB5_KTNAME": str(keytab), "NTLM_USER_FILE": str(users)}
        options = ("-f", here / "httpd.conf", "-DFOREGROUND")
        with installed.running("apache2", *options, port=made.ports["both"], out=here / "out", environment=environment):
            yield made


@pytest.fixture
async def exchange(front: Apache) -> AsyncIterator[LabExchange]:
    """Run the lab's Exchange behind Apache, whose word it takes for who has signed in."""
    lab = LabExchange(
        mailboxes=[
            LabMailbox(address="alice@acme.test", display_name="Alice Martin", right="reviewer"),
            LabMailbox(address="bob@acme.test", display_name="Bob Martin", right="reviewer"),
        ],
        username=SERVICE,
        password=PASSWORD,
        now=lambda: datetime.now(UTC),
        random=random.Random(5).random,
        trusted_user_header="X-Remote-User",
    )
    await lab.start(port=front.backend)
    yield lab
    await lab.stop()


@pytest.fixture
async def answers(front: Apache) -> Answers:
    """Give Apache's answers in this test; those of the one before are written down by then."""
    before = -1
    while before != (before := len(front.answers())):  # noqa: ASYNC110  (same)
        await asyncio.sleep(0.05)
    return Answers(front, before)


@pytest.fixture
def member(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> Realm:
    """Make this process a member of the realm, without a ticket and without a key."""
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{realm.here / 'no-cache'}")
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(realm.here / "no.keytab"))
    return realm
