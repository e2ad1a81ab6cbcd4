"""What this process holds at the moment: tasks, threads, memory. What only ever grows is a leak.

Files and resident memory stand in prometheus_client's own `process_…`, which `exposition` writes, on Linux only.
"""

import asyncio
import re
import sys
import threading
from collections import Counter
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

_KIND = re.compile(r"[a-z-]+")
#: tasks that have no name of their own: those of the HTTP server, and of libraries
UNNAMED = "unnamed"


def measures() -> dict[str, Any]:
    """Return name → number, or name → label → number, by the names of `docs/reference/metrics.md`.

    To be called in the loop. A task's kind is its name up to the first colon.
    """
    return {
        "tasks": dict(Counter(kind(task.get_name()) for task in asyncio.all_tasks())),
        "threads": threading.active_count(),
        "memory_blocks": sys.getallocatedblocks(),
    }


def kind(name: str) -> str:
    """Return the part of the program to which a task of this name belongs."""
    first = name.partition(":")[0]
    return first if _KIND.fullmatch(first) else UNNAMED


def exposition() -> bytes:
    """Write Prometheus' standard metrics of a process, in its text format; empty where the system has no /proc."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    return generate_latest(registry)
