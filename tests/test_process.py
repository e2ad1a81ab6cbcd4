"""What the process says of itself, held against what the system and the loop say."""

import asyncio
import gc
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rainbow_exchange import process


async def test_tasks_are_counted_by_the_first_part_of_their_names() -> None:
    async with asyncio.TaskGroup() as tasks:
        over = asyncio.Event()
        for name in ("watch:group-3", "watch:group-4", "changes:read", "Task-77", "ada@acme.test: read"):
            tasks.create_task(over.wait(), name=name)
        counted = process.measures()["tasks"]
        over.set()

    assert counted["watch"] == 2
    assert counted["changes"] == 1
    assert sum(counted.values()) == len(asyncio.all_tasks()) + 5
    assert not any("acme" in kind for kind in counted)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("link", "link"), ("look-up", "look-up"), ("read:change:17", "read"), ("Task-1", "unnamed"), ("", "unnamed")],
)
def test_a_kind_is_a_word_of_ours_or_unnamed(name: str, kind: str) -> None:
    assert process.kind(name) == kind


async def test_a_thread_and_blocks_of_memory_are_seen() -> None:
    gc.collect()  # what others have left would be freed in between
    before, over = process.measures(), threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    held = [object() for _ in range(100_000)]
    after = process.measures()
    over.set()
    thread.join()

    assert after["threads"] - before["threads"] == 1
    assert 100_000 <= after["memory_blocks"] - before["memory_blocks"] < 110_000
    assert len(held) == 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="Prometheus' client reads /proc")
def test_an_open_file_is_seen() -> None:
    def open_files() -> float:
        families = text_string_to_metric_families(process.exposition().decode())
        found = {sample.name: sample.value for family in families for sample in family.samples}
        assert found["process_resident_memory_bytes"] > 1_000_000
        return found["process_open_fds"]

    before = open_files()
    with Path(__file__).open("rb"):
        assert open_files() == before + 1
    assert open_files() == before
