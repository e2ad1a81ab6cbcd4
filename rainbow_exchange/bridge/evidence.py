"""What is known to work now, and whom a problem concerns: what reports to Rainbow need to know besides the problems."""

from collections.abc import Iterator

from rainbow_exchange.bridge.health import Health
from rainbow_exchange.bridge.pipeline import Pipeline
from rainbow_exchange.bridge.rainbow_health import RainbowHealth


def working(rainbow: RainbowHealth, exchange: Health | None) -> set[str]:
    """Name what works: "rainbow" and "link"; with a bridge "exchange", and "mailboxes" once everybody was tried."""
    known = set()
    pipeline = rainbow.pipeline
    if rainbow.state()["state"] == "connected" and (pipeline is None or pipeline.membership.listing.listed):
        known |= {"rainbow", "link"}
    if pipeline is None or exchange is None or exchange.exchange()["state"] != "connected":
        return known
    known.add("exchange")
    if pipeline.membership.listing.listed and not pipeline.membership.enrolment.waiting():
        known.add("mailboxes")
    return known


def affected(pipeline: Pipeline | None, problem: str) -> Iterator[str]:
    """Give the Rainbow ids of the users whose mailbox has this problem."""
    if pipeline is not None:
        yield from tuple(pipeline.parts.roster.standings.troubled.get(problem, ()))
