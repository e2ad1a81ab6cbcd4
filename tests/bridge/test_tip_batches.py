"""The same people are asked about together round after round, whoever comes, goes, or goes out of the office."""

from collections.abc import Sequence
from itertools import chain

from rainbow_exchange.bridge.mail_tips import Batch, Entry
from rainbow_exchange.bridge.tip_batches import TipBatches
from rainbow_exchange.ews.out_of_office import Tip
from rainbow_exchange.model import Mailbox


def people(*numbers: int) -> list[Entry]:
    return [Entry(Mailbox(address=f"u{number}@acme.test")) for number in numbers]


def names(batches: Sequence[Batch]) -> list[list[str]]:
    return [[entry.mailbox.address.partition("@")[0] for entry in batch.entries] for batch in batches]


async def test_everybody_is_in_one_batch_and_stays_there_when_he_goes_out() -> None:
    batches, everybody = TipBatches(), people(*range(7))
    first = await batches.round(everybody, 3)
    assert names(first) == [["u0", "u1", "u2"], ["u3", "u4", "u5"], ["u6"]]
    everybody[4].tip = Tip(out=True)
    second = await batches.round(everybody, 3)
    assert second == [first[1], first[0], first[2]]  # the very same, that of the absent first
    assert names(second)[0] == ["u3", "u4", "u5"]
    everybody[4].tip = Tip(out=False)
    assert await batches.round(everybody, 3) == first


async def test_whoever_goes_leaves_a_place_for_whoever_comes() -> None:
    batches, everybody = TipBatches(), people(*range(7))
    first = await batches.round(everybody, 3)
    everybody.pop(1).gone = True
    assert names(await batches.round(everybody, 3)) == [["u0", "u2"], ["u3", "u4", "u5"], ["u6"]]
    everybody += people(8, 9, 10, 11)
    later = await batches.round(everybody, 3)
    assert later[:3] == first
    assert sorted(chain(*names(later))) == sorted(f"u{each}" for each in (0, 2, 3, 4, 5, 6, 8, 9, 10, 11))
    assert {len(each) for each in names(later)} == {3, 1}


async def test_when_many_have_gone_the_rest_is_put_together_anew() -> None:
    batches, everybody = TipBatches(), people(*range(100))
    assert len(await batches.round(everybody, 10)) == 10
    stay = everybody[::5]  # two of each ten
    for entry in everybody:
        entry.gone = entry not in stay
    anew = await batches.round(stay, 10)
    assert [batch.entries for batch in anew] == [stay[:10], stay[10:]]
    assert await batches.round(stay, 10) == anew


async def test_another_limit_makes_other_batches() -> None:
    batches, everybody = TipBatches(), people(*range(6))
    await batches.round(everybody, 3)
    assert names(await batches.round(everybody, 2)) == [["u0", "u1"], ["u2", "u3"], ["u4", "u5"]]
    assert names(await batches.round(everybody, 6)) == [[f"u{number}" for number in range(6)]]


async def test_whoever_has_no_address_is_in_none() -> None:
    known, unknown = people(1), [Entry(Mailbox(address="s-1-5-21", principal="S-1-5-21"))]
    assert names(await TipBatches().round(known + unknown, 3)) == [["u1"]]
