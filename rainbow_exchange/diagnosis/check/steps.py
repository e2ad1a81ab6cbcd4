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

#: step → what it looks at
TITLES = {
    "settings": "Settings",
    "secrets": "Secrets, and who reads them",
    "exchange-place": "Where Exchange is",
    "exchange-proxy": "Proxy to Exchange",
    "exchange-name": "Name of Exchange",
    "exchange-tcp": "Connection to Exchange",
    "exchange-tls": "Certificate of Exchange",
    "exchange-clock": "Clock of Exchange",
    "exchange-authentication": "Signing in to Exchange",
    "exchange-version": "Version of Exchange",
    "user": "User at Rainbow",
    "mailbox": "Mailbox",
    "impersonation": "Acting for the mailbox's owner",
    "must-refuse": "Whom the account must not act for",
    "subscription": "Subscription",
    "stream": "First answer of a stream",
    "availability": "Appointments",
    "out-of-office": "Automatic reply",
    "rainbow-proxy": "Proxy to Rainbow",
    "rainbow-name": "Name of Rainbow",
    "rainbow-tcp": "Connection to Rainbow",
    "rainbow-tls": "Certificate of Rainbow",
    "rainbow-clock": "Clock of Rainbow",
    "rainbow-sign-in": "Signing in to Rainbow",
    "rainbow-settings": "Rainbow's administration",
    "rainbow-users": "Users of the company",
    "rainbow-link": "Link for Rainbow's questions",
    "rainbow-notify": "Telling Rainbow of changes",
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
            text = f"Not run, since {because} failed."
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
        return failed(Cause("settings-faulty", " ".join(error.problems), "Correct it where it was entered."))
    except RainbowExchangeError as error:
        return failed(once(step.explained(error)))


def _over(total: float) -> Cause:
    return Cause(
        "check-out-of-time",
        f"Not run: the {total:g} s of the whole check are over.",
        "See what the slow steps before say, then run it again; --seconds gives it more time.",
    )
