"""Finding the bad subscriptions of a stream that was refused without naming them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

M = TypeVar("M")

_MOST_PROBES = 20  # a search costs streams; beyond this, subscribing anew is cheaper


async def find_bad(suspects: Sequence[M], accepted: Callable[[list[M]], Awaitable[bool | None]]) -> list[M]:
    """Return those of `suspects`, which were refused together, that are refused by themselves, by halving.

    `accepted` asks the server about some of them; None means that it cannot be asked now. When it cannot, or after 20
    questions, all that are still under suspicion are returned. Nothing is inferred: the server may have recovered.
    """
    bad: list[M] = []
    refused = [list(suspects)]
    probes = 0
    while refused:
        part = refused.pop()
        if len(part) <= 1:
            bad += part
            continue
        for half in (part[: len(part) // 2], part[len(part) // 2 :]):
            verdict = await accepted(half) if probes < _MOST_PROBES else None
            probes += 1
            if verdict is None:
                probes = _MOST_PROBES
                bad += half
            elif not verdict:
                refused.append(half)
    return bad
