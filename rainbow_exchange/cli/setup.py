"""`rainbow-exchange setup`: Exchange and the proxies without a browser, tried before anything is kept."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from rainbow_exchange import config, logs
from rainbow_exchange.cli import check_screen, setup_entry, setup_keeper
from rainbow_exchange.cli.secret_keeper import Ask
from rainbow_exchange.cli.secret_value import read_option
from rainbow_exchange.cli.terminal import config_option, is_terminal, json_option, print_lines
from rainbow_exchange.diagnosis import proxy_entry
from rainbow_exchange.diagnosis.check import Verdict, overall
from rainbow_exchange.diagnosis.set_up import as_results
from rainbow_exchange.errors import UserError

SCHEMA_VERSION = 1
FAILED = 1
_FILE = click.Path(path_type=Path, allow_dash=True)


@click.group()
def setup() -> None:
    """Set up Exchange and the proxies at the command line, as the local page does: tried first, kept when it works.

    The running service tries and keeps it, as its own account, and uses it at once. The sign-in to Rainbow is
    rainbow-exchange login.

    \b
    Examples:
        rainbow-exchange setup proxy --url http://proxy.company.com:8080
        rainbow-exchange setup exchange
    """  # noqa: D301  (\b is click's: keep these lines)
    logs.configure("critical")


@setup.command()
@click.option("--url", metavar="URL", help="The EWS address, like https://mail.company.com/EWS/Exchange.asmx.")
@click.option("--find", is_flag=True, help="Take no address: Exchange is looked for by autodiscover.")
@click.option("--username", metavar="NAME", help="The service account, COMPANY\\name or name@company.com.")
@click.option("--password-file", metavar="FILE", type=_FILE, help="A file with its password; - is standard input.")
@click.option("--auth", type=click.Choice(["auto", "negotiate", "ntlm", "basic", "bearer"]), help="How it signs in.")
@click.option(
    "--impersonation/--no-impersonation", default=None, help="Whether the account has ApplicationImpersonation."
)
@click.option("--ca-file", metavar="FILE", type=click.Path(path_type=Path), help="Certificates (PEM) to trust, too.")
@click.option("--client-id", metavar="ID", help="OAuth's client id.")
@click.option("--client-secret-file", metavar="FILE", type=_FILE, help="A file with OAuth's client secret; or -.")
@click.option("--token-url", metavar="URL", help="OAuth's token endpoint.")
@click.option("--proxy", "proxy_url", metavar="URL", help="The HTTP proxy, where Exchange is reached through one.")
@click.option("--mailbox", metavar="ADDRESS", help="Whose calendar it is tried with; nothing is changed there.")
@config_option
@json_option
def exchange(config_file: Path | None, as_json: bool, **typed: Any) -> None:
    """Enter where Exchange is and who signs in there; what works is kept.

    At a terminal what is missing is asked for, with what counts now as the proposal. Tried like rainbow-exchange check:
    name, connection, certificate, sign-in, version, and with --mailbox a calendar, impersonation, a subscription and
    the out-of-office. The password goes where the service keeps it, in its keyring or the file that the settings name.

    \b
    Exit code: 0 kept, 1 it did not work and nothing was kept, 2 something is missing or faulty, or another place stands
    above, 3 or 4 the running service does not answer, 130 interrupted (nothing was kept).
    \b
    Examples:
        rainbow-exchange setup exchange
        rainbow-exchange setup exchange --url https://mail.acme.test/EWS/Exchange.asmx --username svc@acme.test
                                        --password-file pw.txt --mailbox ada@acme.test
    """  # noqa: D301  (\b is click's: keep these lines)
    settings = config.load(config_file)
    if typed["find"] and typed["url"]:
        raise click.UsageError("--find takes the place of --url; leave one out.")
    if "@" in (typed["proxy_url"] or ""):
        raise click.UsageError("Who signs in at the proxy is a secret: rainbow-exchange secret set exchange.proxy_url.")
    with setup_keeper.find(settings) as (ask, daemon):
        now = ask(do="look", part="exchange")
        values, secrets, address = setup_entry.exchange(typed, now)
        entered = {"part": "exchange", "values": values, "secrets": secrets, "address": address}
        if not address:
            click.echo("No mailbox is named (--mailbox), so no calendar is looked at.", err=True)
        _try_and_keep(entered, ask, daemon=daemon, as_json=as_json)


@setup.command()
@click.option("--url", metavar="URL", help="The proxy, like http://proxy.company.com:8080.")
@click.option("--none", "without", is_flag=True, help="Take it back.")
@click.option("--username", metavar="NAME", help="Who signs in at the proxy.")
@click.option("--password-file", metavar="FILE", type=_FILE, help="A file with the password; - is standard input.")
@click.option(
    "--to",
    "side",
    type=click.Choice(["rainbow", "exchange"]),
    default="rainbow",
    show_default=True,
    help="Which way leads through it.",
)
@config_option
@json_option
def proxy(  # noqa: PLR0917  (click hands them in by name)
    url: str | None,
    without: bool,
    username: str | None,
    password_file: Path | None,
    side: str,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Enter the HTTP proxy on the way to Rainbow, or to Exchange; what leads there is kept.

    Tried up to the certificate of Rainbow's server, or of Exchange's, so set that up first. --none is not tried.

    \b
    Exit code: 0 kept, 1 it did not work and nothing was kept, 2 something is missing or faulty, or another place stands
    above, 3 or 4 the running service does not answer, 130 interrupted (nothing was kept).
    \b
    Examples:
        rainbow-exchange setup proxy --url http://proxy.company.com:8080
        rainbow-exchange setup proxy --none
    """  # noqa: D301  (\b is click's: keep these lines)
    settings = config.load(config_file)
    if without and (url or username or password_file):
        raise click.UsageError("--none takes a proxy back; leave the others out.")
    if not without:
        url = url or setup_entry.asked("Address of the proxy", "--url", None)
        if username and password_file is None and not is_terminal(sys.stdin):
            raise UserError(["The password of the proxy is missing: give --password-file."])
    password = read_option(password_file, "--password-file")
    if username and password is None:
        password = setup_entry.hidden(f"Password of {username}")
    with setup_keeper.find(settings) as (ask, daemon):
        values, secrets = proxy_entry.proxy(side, url, username, password)
        entered = {"part": f"{side}-proxy", "values": values, "secrets": secrets, "address": ""}
        _try_and_keep(entered, ask, daemon=daemon, as_json=as_json, tried=not without)


def _try_and_keep(entered: dict[str, Any], ask: Ask, *, daemon: bool, as_json: bool, tried: bool = True) -> None:
    """Try it, show how that went, and keep it where it works; what is only taken back need not be tried."""
    if tried and is_terminal(sys.stderr):
        click.echo("Trying it; this can take a minute ...", err=True)
    steps = ask(do="try", **entered)["steps"] if tried else []
    results = as_results(steps)
    width = max((len(each.step) for each in results), default=0)
    for each in results:
        print_lines(check_screen.lines(each, width=width), err=as_json)
    verdict = overall(each.verdict for each in results)
    shown: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "kept": False, "verdict": verdict.value, "steps": steps}
    shown |= {"where": [], "account": None, "in_use": False, "remark": None}
    lines = ["Nothing was kept."]
    if verdict is not Verdict.FAIL:
        done = ask(do="keep", **entered)
        used = daemon and not done["remark"]
        shown |= {"kept": True, "where": done["kept"], "account": done["account"], "in_use": used}
        shown["remark"] = done["remark"] or None
        where = f" ({'; '.join(done['kept'])})" if done["kept"] else ""
        lines = [f"Kept, as {done['account']}{where}."]
        lines.append("The running service uses it from now on." if used else "It counts when the service starts.")
        if done["remark"]:
            lines.append(f"The settings on disk cannot be used, so nothing was taken from them: {done['remark']}")
    if as_json:
        click.echo(json.dumps(shown))
    else:
        print_lines(lines)
    sys.exit(FAILED if verdict is Verdict.FAIL else 0)
