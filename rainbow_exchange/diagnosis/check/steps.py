"""The steps of the check: what each is called and looks at, and running them one after the other.

A step is not run where one that it needs has failed; independent ones still are. Each has its own time limit, and all
together have one. `docs/reference/check.md` tells of each step.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from rainbow_exchange.bridge.causes import Cause
from rainbow_exchange.diagnosis.check.results import Began, Finding, Result, Verdict, failed
from rainbow_exchange.diagnosis.check.wording import once
from rainbow_exchange.errors import RainbowExchangeError, UserError
from rainbow_exchange.words import _, sentences

#: step → what it looks at
TITLES = {
    "settings": _("Settings"),
    "secrets": _("Secrets, and who reads them"),
    "exchange-place": _("Where Exchange is"),
    "exchange-proxy": _("Proxy to Exchange"),
    "exchange-name": _("Name of Exchange"),
    "exchange-tcp": _("Connection to Exchange"),
    "exchange-tls": _("Certificate of Exchange"),
    "exchange-clock": _("Clock of Exchange"),
    "exchange-authentication": _("Signing in to Exchange"),
    "exchange-version": _("Version of Exchange"),
    "user": _("User at Rainbow"),
    "mailbox": _("Mailbox"),
    "impersonation": _("Acting for the mailbox's owner"),
    "must-refuse": _("Whom the account must not act for"),
    "subscription": _("Subscription"),
    "stream": _("First answer of a stream"),
    "availability": _("Appointments"),
    "out-of-office": _("Automatic reply"),
    "rainbow-proxy": _("Proxy to Rainbow"),
    "rainbow-name": _("Name of Rainbow"),
    "rainbow-tcp": _("Connection to Rainbow"),
    "rainbow-tls": _("Certificate of Rainbow"),
    "rainbow-clock": _("Clock of Rainbow"),
    "rainbow-sign-in": _("Signing in to Rainbow"),
    "rainbow-settings": _("Rainbow's administration"),
    "rainbow-users": _("Users of the company"),
    "rainbow-link": _("Link for Rainbow's questions"),
    "rainbow-notify": _("Telling Rainbow of changes"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `limit` seconds are its own; `explained` says what an error means, `late` what its absence of an end.

    `do` may raise UserError and whatever `explained` knows.
    """

    id: str
    do: Callable[[], Awaitable[Finding]]
    explained: Callable[[RainbowExchangeError], Cause]
    late: Callable[[float], Cause]
    needs: tuple[str, ...] = ()
    limit: float = 20.0


async def walk(steps: Iterable[Step], *, total: float) -> AsyncGenerator[Began | Result, None]:
    """Run the steps in their order, within `total` seconds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + total
    blocked: dict[str, str] = {}  # step that is of no use → the one that failed
    for step in steps:
        because = next((blocked[need] for need in step.needs if need in blocked), "")
        if because:
            blocked[step.id] = because
            text = _("Not run, since {because} failed.", because=because)
            yield Result(step=step.id, verdict=Verdict.SKIP, text=text, because=because)
            continue
        yield Began(step.id)
        began = loop.time()
        left = ends - began
        finding = await _run(step, min(step.limit, left)) if left > 0 else failed(_over(total))
        if finding.verdict is Verdict.FAIL:
            blocked[step.id] = step.id
        yield Result(
            step=step.id,
            verdict=finding.verdict,
            text=finding.text,
            fix=finding.fix,
            cause=finding.cause,
            seconds=loop.time() - began,
            facts=finding.facts,
        )


async def _run(step: Step, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            return await step.do()
    except TimeoutError:
        return failed(once(step.late(seconds)))
    except UserError as error:
        return failed(Cause("settings-faulty", sentences(*error.problems), _("Correct it where it was entered.")))
    except RainbowExchangeError as error:
        return failed(once(step.explained(error)))


def _over(total: float) -> Cause:
    return Cause(
        "check-out-of-time",
        _("Not run: the {total} s of the whole check are over.", total=f"{total:g}"),
        _("See what the slow steps before say, then run it again; --seconds gives it more time."),
    )
