"""The installed command and the lab as processes, and a colleague who looks at Rainbow."""

import base64
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange.cli import local_api
from tests.leaks.given import told
from tests.leaks.kept import KEPT
from tests.leaks.plugin import EARS

COMMAND = Path(sys.executable).parent / ("rainbow-exchange.exe" if sys.platform == "win32" else "rainbow-exchange")
PATIENCE = 90.0


def command_for_all() -> Path:
    """Give an installed command that every account may run, or skip.

    It is the one that RAINBOW_EXCHANGE_FOR_ALL names: a virtual environment that root has made may be root's alone.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can run it as somebody else")
    command = Path(os.environ.get("RAINBOW_EXCHANGE_FOR_ALL") or COMMAND)
    try:
        subprocess.run(  # noqa: S603 (our own command)
            [command, "--version"],
            user="nobody",
            group="nogroup",
            extra_groups=[],
            check=True,
            capture_output=True,
            cwd="/",
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"nobody but its owner may run {command.name}; RAINBOW_EXCHANGE_FOR_ALL names one for all")
    return command


def until(condition: Callable[[], Any], what: str, *, within: float = PATIENCE) -> Any:
    """Return the first true value of `condition`; fail, naming `what`, when it does not come."""
    end = time.monotonic() + within
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            pytest.fail(f"not within {within:g} s: {what}")
        time.sleep(0.05)


def call(
    method: str, url: str, body: Any = None, headers: dict[str, str] | None = None, *, ca_file: str | None = None
) -> Any:
    """Make one HTTP call with JSON both ways; `ca_file` is whom to trust besides."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} | (headers or {}), method=method)  # noqa: S310 (loopback)
    trust = ssl.create_default_context(cafile=ca_file)
    with urllib.request.urlopen(request, timeout=60, context=trust) as answer:  # noqa: S310 (loopback)
        text = answer.read()
    said = json.loads(text) if text else None
    told(KEPT, [body, said])
    return said


def begins(said: str) -> bool:
    """Whether a Ctrl-C has met Python itself before it came to our command, by what was said then."""
    return "Fatal Python error" in said or "rainbow_exchange/" not in said


@dataclass
class Process:
    """A process of the installed command, or of another `command`; its output goes to files, which a test may read."""

    arguments: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> "Process":
        """Start it."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_EXCHANGE_")}
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self.process = subprocess.Popen(  # noqa: S603 (our own command)
                [*(self.command or [COMMAND]), *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=own | self.environment,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for whoever started us, and says who is to end when
            )
        return self

    def output(self) -> str:
        """Everything it has written."""
        return (self.folder / "out").read_text(errors="replace") + (self.folder / "err").read_text(errors="replace")

    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]

    def stop(self, number: int = signal.SIGINT, *, within: float = 60.0) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(within)

    def kill(self) -> None:
        """End it the hard way."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)


@dataclass
class Lab(Process):
    """`rainbow-exchange lab` as a process."""

    addresses: dict[str, Any] = field(default_factory=dict)

    def start(self) -> "Lab":
        """Start it and wait for its addresses."""
        super().start()

        def printed() -> Any:
            assert self.process.poll() is None, self.output()
            lines = (self.folder / "out").read_text().splitlines(keepends=True)
            return json.loads(lines[-1]) if lines and lines[-1].endswith("\n") else None

        self.addresses = until(printed, "the lab's addresses")
        told(KEPT, self.addresses)
        return self

    def exchange(self, method: str, path: str, body: Any = None) -> Any:
        """Call the test wire of the lab's Exchange."""
        side = self.addresses["exchange"]
        return call(method, side["url"].removesuffix("/EWS/Exchange.asmx") + path, body, ca_file=side.get("ca_file"))

    def renew(self, kind: str) -> None:
        """Give the lab's Exchange another certificate; whichever it has now is not verified."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        url = self.addresses["exchange"]["url"].removesuffix("/EWS/Exchange.asmx") + "/lab/certificate"
        request = urllib.request.Request(url, json.dumps({"kind": kind}).encode(), method="PUT")  # noqa: S310 (loopback)
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310 (loopback)
            assert answer.status == 200

    def rainbow(self, method: str, path: str, body: Any = None) -> Any:
        """Call the test wire of the lab's Rainbow."""
        return call(method, self.addresses["rainbow"]["url"] + path, body)

    def settings(self) -> dict[str, str]:
        """Return the variables that point the connector at this lab."""
        exchange, rainbow = self.addresses.get("exchange", {}), self.addresses.get("rainbow", {})
        values = {
            "EXCHANGE__URL": exchange.get("url"),
            "EXCHANGE__USERNAME": exchange.get("username"),
            "EXCHANGE__PASSWORD": exchange.get("password"),
            "EXCHANGE__CA_FILE": exchange.get("ca_file"),
            "RAINBOW__URL": rainbow.get("url"),
            "RAINBOW__LOGIN": rainbow.get("login"),
            "RAINBOW__PASSWORD": rainbow.get("password"),
            "RAINBOW__APP_ID": rainbow.get("app_id"),
            "RAINBOW__APP_SECRET": rainbow.get("app_secret"),
            "RAINBOW__COMPANY_ID": rainbow.get("company_id"),
        }
        return {f"RAINBOW_EXCHANGE_{name}": value for name, value in values.items() if value}

    def colleague(self, login: str) -> "Colleague":
        """Sign a user in at Rainbow, as a client does."""
        side = self.addresses["rainbow"]
        secret = hashlib.sha256((side["app_secret"] + side["password"]).encode()).hexdigest()
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"{login}:{side['password']}".encode()).decode(),
            "x-rainbow-app-auth": "Basic " + base64.b64encode(f"{side['app_id']}:{secret}".encode()).decode(),
            "Accept": "application/json",
        }
        token = call("GET", side["url"] + "/api/rainbow/authentication/v1.0/login", headers=headers)["token"]
        return Colleague(side["url"], {"Authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class Colleague:
    """What a colleague's Rainbow client shows."""

    url: str
    headers: dict[str, str]

    def sees(self, login: str) -> dict[str, Any]:
        """Return the calendar state of a user."""
        shown: dict[str, Any] = call(
            "POST", self.url + "/api/rainbow/calendar/v1.0/states", {"users": [login]}, self.headers
        )[login]
        return shown

    def reads_reply(self, user_id: str) -> dict[str, Any]:
        """Return the automatic reply of a user."""
        path = f"/api/rainbow/calendar/v1.0/automatic_reply?userid={user_id}"
        reply: dict[str, Any] = call("GET", self.url + path, headers=self.headers)
        return reply


@dataclass
class Connector(Process):
    """`rainbow-exchange run` as a process, with its own state folder; all that it has said is looked through."""

    def kill(self) -> None:
        """End it the hard way, if it has not ended."""
        super().kill()
        EARS.say("terminal", self.output(), " ".join(self.arguments))

    def status(self) -> dict[str, Any]:
        """Return `status --json`; {} while it cannot be told."""
        ran = subprocess.run(  # noqa: S603 (our own command)
            [COMMAND, "status", "--json"],
            env=os.environ | self.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        with suppress(ValueError):
            shown: dict[str, Any] = json.loads(ran.stdout)
            return shown
        return {}

    def way_in(self) -> str:
        """Type `web-url`; return the address that signs a browser in once."""

        def printed() -> str:
            assert self.process.poll() is None, self.output()
            ran = subprocess.run(  # noqa: S603 (our own command)
                [COMMAND, "web-url"],
                env=os.environ | self.environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            return ran.stdout.strip()

        address: str = until(printed, "an address of the local page")
        return address

    def retry(self) -> None:
        """Type `retry`."""
        subprocess.run(  # noqa: S603 (our own command)
            [COMMAND, "retry", "--all"], env=os.environ | self.environment, capture_output=True, timeout=60, check=True
        )

    def asked(self) -> dict[str, Any]:
        """Return what the command `status` would, without starting it; {} while there is no daemon that answers."""
        with suppress(local_api.NoAnswerError):
            answer: dict[str, Any] = local_api.ask(
                Path(self.environment["RAINBOW_EXCHANGE_STATE__PATH"]), "/api/status"
            )
            return answer
        return {}

    def healthy(self, streamed: int) -> dict[str, Any]:
        """Wait until everything is connected and so many mailboxes are streamed; return the status."""

        def reached() -> dict[str, Any]:
            assert self.process.poll() is None, self.output()
            status = self.asked()
            return status if status.get("state") == "healthy" and status["mailboxes"]["streamed"] == streamed else {}

        shown: dict[str, Any] = until(reached, f"healthy with {streamed} streamed mailboxes\n{self.output()}")
        return shown

    def problem(self, problem_id: str) -> dict[str, Any]:
        """Wait for a problem; return it."""

        def reported() -> Any:
            assert self.process.poll() is None, self.output()
            return next((one for one in self.asked().get("problems", ()) if one["id"] == problem_id), None)

        shown: dict[str, Any] = until(reported, f"problem {problem_id}\n{self.output()}")
        return shown


Company = list[dict[str, Any]]


@dataclass
class World:
    """Starts labs and connectors, and ends what is left of them."""

    folder: Path
    stack: ExitStack
    count: int = 0

    def lab(self, users: Company | None = None, *options: str) -> Lab:
        """Start a lab with these users."""
        self.count += 1
        folder = self.folder / f"lab {self.count}"
        folder.mkdir()
        arguments = ["lab", "--json", "--page-port", "0", *options]
        if users is not None:
            (folder / "users.json").write_text(json.dumps(users), encoding="utf-8")
            arguments += ["--users-file", str(folder / "users.json")]
        lab = Lab(arguments, folder)
        self.stack.callback(lab.kill)
        return lab.start()

    def connector(self, *labs: Lab, besides: Mapping[str, str] | None = None, **settings: str) -> Connector:
        """Start a connector on these labs; `settings` by their upper-case variable names, below the prefix.

        `besides`: variables of the process that are no settings.
        """
        environment = {
            "RAINBOW_EXCHANGE_STATE__PATH": str(self.folder / "état"),
            "RAINBOW_EXCHANGE_WEB__PORT": "0",
            "RAINBOW_EXCHANGE_LOG__LEVEL": "debug",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        for lab in labs:
            environment |= lab.settings()
        environment |= {f"RAINBOW_EXCHANGE_{name}": value for name, value in settings.items()} | dict(besides or {})
        self.count += 1
        connector = Connector(["run"], self.folder / f"run {self.count}", environment)
        self.stack.callback(connector.kill)
        connector.start()
        return connector
