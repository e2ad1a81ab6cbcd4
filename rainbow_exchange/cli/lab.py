"""`rainbow-exchange lab`: a simulated Exchange and a simulated Rainbow, to connect to with whatever one likes."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Literal

import click

from rainbow_exchange import lab_page, logs
from rainbow_exchange.lab import collector, dialing
from rainbow_exchange.lab.exchange.throttling import PRESETS
from rainbow_exchange.lab.serve import LabAddresses, LabOptions, serve
from rainbow_exchange.lab.tls import KINDS, Kind

SCHEMA_VERSION = 1
_PORT = click.IntRange(0, 65535)


@click.command()
@click.option("--users", metavar="N", type=click.IntRange(1, 100_000), help="Make up N people.  [default: 10]")
@click.option(
    "--users-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take these people: a JSON list of Rainbow user objects (docs/reference/lab.md).",
)
@click.option("--plain", is_flag=True, help="Have everybody's login be the mailbox's only address.")
@click.option(
    "--appointments",
    metavar="K",
    type=click.IntRange(0, 1000),
    default=0,
    help="Make up K appointments for everybody, each with a subject of its own.",
)
@click.option(
    "--appointment-days",
    metavar="D",
    type=click.IntRange(1, 366),
    default=7,
    show_default=True,
    help="They begin within D days from now.",
)
@click.option("--seed", metavar="S", type=int, default=1, show_default=True, help="What the made-up is made up from.")
@click.option("--only", type=click.Choice(["exchange", "rainbow"]), help="Start this side alone.")
@click.option("--exchange-port", metavar="P", type=_PORT, default=0, help="Port of Exchange; a free one by default.")
@click.option("--rainbow-port", metavar="P", type=_PORT, default=0, help="Port of Rainbow; a free one by default.")
@click.option(
    "--page-port",
    metavar="P",
    type=_PORT,
    default=lab_page.PORT,
    show_default=True,
    help="Port of the page; a free one where it is taken.",
)
@click.option(
    "--flavour",
    type=click.Choice(["exchange", "owner-bound"]),
    default="exchange",
    help="How Exchange behaves: as Exchange does, or binding each subscription to the mailbox's owner.",
)
@click.option(
    "--right",
    type=click.Choice(["none", "freebusy", "reviewer"]),
    default="freebusy",
    help="The right of the service account on each mailbox; reviewer: it may subscribe without impersonation.",
)
@click.option("--tls", is_flag=True, help="Serve Exchange over https, with a certificate authority made up for it.")
@click.option(
    "--throttling",
    type=click.Choice(sorted(PRESETS)),
    help="Throttle as a stock Exchange 2013 or 2016 does, or not at all; --dial may change single numbers of it.",
)
@click.option(
    "--dial",
    "dials",
    metavar="NAME=VALUE",
    multiple=True,
    help="Turn a dial at start, VALUE as JSON; repeatable. docs/reference/lab.md lists the dials of both sides.",
)
@click.option(
    "--certificate",
    type=click.Choice(KINDS),
    default="good",
    help="What is wrong with the certificate of Exchange; anything but good brings --tls along.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when both sides are ready.")
def lab(
    *,
    users: int | None,
    users_file: Path | None,
    plain: bool,
    appointments: int,
    appointment_days: int,
    seed: int,
    only: Literal["exchange", "rainbow"] | None,
    exchange_port: int,
    rainbow_port: int,
    page_port: int,
    flavour: Literal["exchange", "owner-bound"],
    right: Literal["none", "freebusy", "reviewer"],
    tls: bool,
    throttling: str | None,
    dials: tuple[str, ...],
    certificate: Kind,
    as_json: bool,
) -> None:
    """Serve a simulated Exchange, a simulated Rainbow and a page that shows both, until Ctrl-C.

    They speak the real wires and hold made-up people; rehearse a roll-out on them, or reproduce a fault.

    \b
    Exit code: 0 stopped, 2 a users file or a dial that is not right, or a port that is taken.
    \b
    Examples:
        rainbow-exchange lab --users 50
        rainbow-exchange lab --only exchange --exchange-port 8080 --json
        rainbow-exchange lab --certificate expired
        rainbow-exchange lab --users 5000 --plain --appointments 10
        rainbow-exchange lab --users 900 --right reviewer --throttling stock-2013
        rainbow-exchange lab --users 900 --dial stream_limit=3 --dial server_busy=http
        rainbow-exchange lab --dial 'mailbox_errors={"ada@acme.test": "ErrorMailboxMoveInProgress"}'
    """  # noqa: D301  (\b is click's: keep these lines)
    if users is not None and users_file is not None:
        raise click.UsageError("--users and --users-file exclude each other; give one of them.")
    positions = dialing.read(dials, exchange=PRESETS.get(throttling or ""))
    logs.configure("warning")
    options = LabOptions(
        users=users or LabOptions().users,
        users_file=users_file,
        plain=plain,
        appointments=appointments,
        appointment_days=appointment_days,
        seed=seed,
        only=only,
        exchange_port=exchange_port,
        rainbow_port=rainbow_port,
        flavour=flavour,
        right=right,
        tls=tls,
        dials=positions,
        certificate=certificate,
    )
    with contextlib.suppress(KeyboardInterrupt):  # before the signals are taken over
        asyncio.run(_serve(options, page_port, as_json=as_json))


async def _serve(options: LabOptions, page_port: int, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    with _first_signal(stopped.set):
        async with serve(options) as addresses, lab_page.serve(addresses, page_port) as page:
            collector.spare(len(addresses.users))
            known = {"schema_version": SCHEMA_VERSION} | addresses.as_json() | {"page": page}
            click.echo(json.dumps(known) if as_json else _text(addresses, page))
            await stopped.wait()


def _text(addresses: LabAddresses, page: str) -> str:
    sides = addresses.as_json()
    lines = [
        f"{side}.{name} = {value}"
        for side, values in sides.items()
        for name, value in values.items()
        if value is not None
    ]
    return "\n".join([*lines, f"page = {page}", f"{len(addresses.users)} people. Ctrl-C ends it."])


@contextlib.contextmanager
def _first_signal(callback: Callable[[], object]) -> Iterator[None]:
    """Have the first signal to stop call `callback` in the loop; the next one ends the process in the usual way."""
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        put_back()
        loop.call_soon_threadsafe(callback)

    names = ("SIGINT", "SIGTERM", "SIGBREAK")  # Windows has SIGBREAK and its loops no add_signal_handler
    before = {number: signal.signal(number, on_signal) for name in names if (number := getattr(signal, name, None))}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield
    finally:
        put_back()
