"""What the bridge keeps count of, so that nobody goes over everybody each second, beside a count from scratch."""

from collections import Counter

from rainbow_exchange.bridge.roster import Coverage
from rainbow_exchange.bridge.standings import is_postponed, trouble_of
from rainbow_exchange.daemon import Daemon


def check_kept(daemon: Daemon) -> None:
    """See that every count that is kept, while there is a bridge, is what everybody together come to now."""
    sides = daemon._sides
    if sides is None or (bridge := sides.bridge()) is None:
        return
    parts, roster = bridge.parts, list(bridge.parts.roster)
    held = [member.mailbox.address for member in roster if member.mailbox is not None]
    coverage = {address: parts.watcher.coverage(address) for address in held}
    counted, kept = Counter(coverage.values()), parts.watcher.everybody.counts()
    assert (kept.streamed, kept.waiting) == (counted["streamed"], counted["waiting"])
    assert sorted(parts.watcher.everybody.polled()) == sorted(
        each for each, found in coverage.items() if found == "waiting"
    )
    standings = parts.roster.standings
    uncovered = {member.user.id for member in roster if member.coverage is not Coverage.COVERED}
    assert set(standings.uncovered) == uncovered
    assert standings.failing == sum(member.failures > 0 for member in roster)
    troubled: dict[str, set[str]] = {}
    for member in roster:
        if problem := trouble_of(member):
            troubled.setdefault(problem, set()).add(member.user.id)
    assert {problem: set(members) for problem, members in standings.troubled.items()} == troubled
    served = [
        member
        for member in roster
        if member.coverage is not Coverage.FAILED or member.reason not in {"no-address", "no-mailbox"}
    ]
    codes = {member.reason for member in served}
    alone = codes.pop() if len(codes) == 1 and all(map(is_postponed, served)) else None
    assert standings.refused_to_all(len(roster)) == alone
    reader = parts.reader
    assert dict(reader.unread) == {address: reason for address in held if (reason := reader.failed(address))}
    assert reader.unread.reasons == Counter(reason for _, reason in reader.unread)
    # a watcher that is closed watches nobody any more
    not_streamed = {address for address, found in coverage.items() if found not in {"streamed", None}}
    assert not_streamed == set(parts.watcher.everybody.not_streamed()) & set(held)
    assert None not in coverage.values() or parts.watcher._closing.is_set()
