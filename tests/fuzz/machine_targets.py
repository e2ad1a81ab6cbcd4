"""What people and programs of this machine may have written: settings, the state, what commands and the page send."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from rainbow_exchange import config
from rainbow_exchange.bridge import commands
from rainbow_exchange.config.proxies import rainbow_proxy
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError
from rainbow_exchange.json_text import read_json
from rainbow_exchange.network.address import is_address, is_loopback, is_name, names_host
from rainbow_exchange.network.proxy import is_exempt
from rainbow_exchange.sign_up import keeping
from rainbow_exchange.state import connector, kept
from rainbow_exchange.state.credentials import CredentialMemory
from rainbow_exchange.state.errors import StateError
from rainbow_exchange.state.store import Store
from rainbow_exchange.web import calls, runtime
from tests.fuzz import json_mutations, text_mutations
from tests.fuzz.bytes_mutations import spoil
from tests.fuzz.target import Mutate, Past, Run, Target
from tests.fuzz.text_mutations import mutate_line

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

_FILE = b"""\
[exchange]
url = "https://mail.acme.test/EWS/Exchange.asmx"
username = "ACME\\\\svc"
password_file = "secrets/exchange"
allowed_hosts = ["webmail.acme.test", "exchange.acme.test"]
auth = "auto"
impersonation = true
proxy_url = "http://proxy.acme.test:8080"

[rainbow]
login = "admin@acme.test"
app_id = "app1"
trusted_askers = "calendar.rainbow.test, other.test"

[rainbow_fields]
url = ["settings.company.url"]

[bridge]
privacy = "busy-only"
domains = "acme.test, corp.acme.test"
users_refresh_minutes = 60

[web]
port = 3001

[state]
path = "~/state"

[log]
level = "debug"
file = "log/connector.log"
"""
_VARIABLES = b"""\
RAINBOW_EXCHANGE_EXCHANGE__URL=https://mail.acme.test/EWS/Exchange.asmx
RAINBOW_EXCHANGE_EXCHANGE__USERNAME=svc@acme.test
RAINBOW_EXCHANGE_EXCHANGE__PASSWORD=made-up
RAINBOW_EXCHANGE_EXCHANGE__ALLOWED_HOSTS=["webmail.acme.test"]
RAINBOW_EXCHANGE_RAINBOW__PROXY_URL=http://u:p@proxy.acme.test:8080
RAINBOW_EXCHANGE_BRIDGE__DOMAINS=acme.test, corp.acme.test
RAINBOW_EXCHANGE_BRIDGE__USERS_REFRESH_MINUTES=30
RAINBOW_EXCHANGE_WEB__PORT=0
RAINBOW_EXCHANGE_STATE__PATH=~/x
RAINBOW_EXCHANGE_LOG__LEVEL=info
HTTPS_PROXY=proxy.acme.test:3128
NO_PROXY=localhost,10.0.0.0/8,.acme.test,[::1]:443
"""
_EVENT = {
    "eventId": "e1",
    "level": "ERROR",
    "category": "exchange",
    "operation": "read",
    "description": "text",
    "date": "2026-03-02T08:00:00.000Z",
}
_KEPT = tuple(
    json.dumps(value).encode()
    for value in (
        {"exchange.url": {"value": "https://a.test/", "by": "login", "at": "2026-03-02T08:00:00+00:00"}},
        {
            "url": "https://openrainbow.com",
            "company_id": "5fc1",
            "asked_at": "2026-03-02T08:00:00+00:00",
            "before": ["5fe0"],
            "id": "5fe1",
            "login": "c@acme.test",
            "created": True,
        },
        {"made_settings": "{}", "connector": "null", "login_secrets": "[]"},
        [["c1", "manual_synchro", "rainbow.test"]],
        {"a" * 64: {"refused": 401500, "at": "2026-03-02T08:00:00+00:00"}},
        {
            "waiting": [_EVENT],
            "open": {"x": {"problem": "exchange-unreachable", "since": "2026-03-02T08:00:00+00:00"}},
            "histories": {"x": {"told": ["2026-03-02T08:00:00+00:00"]}},
        },
    )
)
_RUNTIME = (
    json.dumps(
        {
            "schema_version": 1,
            "host": "127.0.0.1",
            "port": 3001,
            "pid": 4711,
            "nonce": "0" * 64,
            "started": "2026-03-02T08:00:00+00:00",
        }
    ).encode(),
)
#: bytes of one variable that Linux lets pass, and more than Windows does
_VARIABLE_LIMIT = 128 * 1024
_ADDRESSES = (b"mail.acme.test", b"https://mail.acme.test:8443/EWS", b"10.0.0.0/8", b"[2001:db8::1]:443")
_BODIES = tuple(json.dumps(value).encode() for value in ({"all": True}, {"addresses": ["ada@acme.test"]}))


@cache
def folder() -> Path:
    """A folder for as long as the process lives."""
    kept_for_its_life = TemporaryDirectory(prefix="rainbow-exchange-fuzz-")
    _held.append(kept_for_its_life)
    return Path(kept_for_its_life.name)


_held: list[TemporaryDirectory[str]] = []


@cache
def _store() -> Store:
    return Store.open(folder() / "state.db")


def settings_file(data: bytes, past: Past, _: Random) -> None:
    path = folder() / "config.toml"
    path.write_bytes(data)
    try:
        settings = config.load(path)
    except UserError as error:
        if not any("is not valid TOML" in text or "is not UTF-8" in text for text in error.problems):
            past()
        raise
    past()
    config.data_folder(settings)


def environment(data: bytes, past: Past, _: Random) -> None:
    variables = {}
    for line in data.decode("utf-8", "replace").replace("\0", "").splitlines():
        name, equals, value = line.partition("=")
        if name and equals:
            variables[name] = value
    if variables:
        past()
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        settings = config.load(look_in_default_folder=False)
    finally:
        os.environ.clear()
        os.environ.update(before)
    config.data_folder(settings)
    rainbow_proxy(settings, Secrets(), variables)


def address(data: bytes, _past: Past, _: Random) -> None:
    """An address, as somebody may have typed it."""
    text = data[:_VARIABLE_LIMIT].decode("utf-8", "replace")
    is_name(text), is_address(text), is_loopback(text), names_host(text)
    is_exempt("https://mail.acme.test:8443/x", text)


def state_values(data: bytes, past: Past, random: Random) -> None:
    """What the state holds as JSON, read by each that keeps something there."""
    store, text = _store(), data.decode("utf-8", "replace")
    keys = ("made_settings", "connector", "login_secrets", commands._KEY, "credentials_x", "credentials_key")
    key = random.choice(keys)
    store.set_value(key, text)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        pass
    else:
        past()
    connector.read(store)
    keeping.effective(config.Settings(), store)
    commands._recalled(store)
    CredentialMemory(store, "x").recall("a" * 64)
    store.set_value(key, None)
    (folder() / kept.FILE_NAME).write_bytes(data)
    kept.restore(store)
    for name in kept.KEYS:
        store.set_value(name, None)


def state_file(data: bytes, past: Past, _: Random) -> None:
    """The file itself. One that is damaged is put aside, and a new one begun."""
    path = folder() / "damaged" / "state.db"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    try:
        store = Store.open(path)
        if store.moved_aside is None:
            past()
        store.remembered()
        store.close()
    finally:
        for file in path.parent.iterdir():
            file.unlink()


def runtime_file(data: bytes, past: Past, _: Random) -> None:
    """What commands find the daemon by."""
    (folder() / runtime.RUNTIME_NAME).write_bytes(data)
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        pass
    else:
        past()
    runtime.read(folder())


def body(data: bytes, past: Past, _: Random) -> None:
    """What is posted to the page."""
    wanted = read_json(data)
    past()
    calls.addresses(wanted)


@cache
def sound_state() -> tuple[bytes, ...]:
    """A state file as this program writes it."""
    path = folder() / "sound" / "state.db"
    store = Store.open(path)
    store.set_value("company_switch", "off")
    store.close()
    return (path.read_bytes(),)


def _mutate_state(_: bytes, random: Random, __: Sequence[bytes]) -> bytes:
    sound = sound_state()
    return spoil(sound[0], random, sound) if random.randrange(3) else sound[0]


def _target(
    name: str, run: Run, corpus: tuple[bytes, ...], mutate: Mutate, *errors: type[Exception], **more: Any
) -> Target:
    return Target(name=name, run=run, corpus=corpus, mutate=mutate, errors=errors, **more)


TARGETS = (
    _target("settings_file", settings_file, (_FILE,), text_mutations.mutate, UserError),
    _target("environment", environment, (_VARIABLES,), text_mutations.mutate, UserError),
    _target("address", address, _ADDRESSES, mutate_line, weight=1, parses=False),
    _target("state_values", state_values, _KEPT, json_mutations.mutate),
    _target("state_file", state_file, (b"a state file",), _mutate_state, StateError, weight=1),
    _target("runtime_file", runtime_file, _RUNTIME, json_mutations.mutate, ValueError, weight=1),
    _target("posted_body", body, _BODIES, json_mutations.mutate, ValueError),
)
