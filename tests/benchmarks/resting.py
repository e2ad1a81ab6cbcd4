"""What a company takes that is covered and told, while nothing happens: memory, and processor time.

A start is dear. Whatever benchmark starts the product in a company looks at it here before it is stopped, and `size`
finds what was seen.
"""

import asyncio
import time
from dataclasses import dataclass

from tests.benchmarks.rig import Mode, Rig

#: seconds within which the product comes to rest after everybody was told, and over which processor time is counted:
#: out-of-office is polled in rounds of a minute
_REST, _ROUND = 300.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """One company: how many mailboxes it has, and what the product has in memory with them, in bytes.

    `share` is the part of a core that it takes, in percent; None where that was not measured.
    """

    mode: Mode
    mailboxes: int
    resident: int
    share: float | None = None


#: mailboxes of a company that is large enough for what it takes at rest to count
LARGEST = 50_000
#: what was seen in this run of the benchmarks
SEEN: list[Resting] = []


async def look(rig: Rig, mode: Mode, *, share: bool = False) -> Resting:
    """Let the product come to rest, see what it takes, and note it; `share`: its processor time, too."""
    await rig.at_rest(within=_REST)
    cpu, began = rig.cpu(), time.monotonic()
    if share:
        await asyncio.sleep(_ROUND)
    taken = 100 * (rig.cpu() - cpu) / (time.monotonic() - began) if share else None
    seen = Resting(mode=mode, mailboxes=len(rig.users), resident=rig.resident(), share=taken)
    SEEN.append(seen)
    return seen
