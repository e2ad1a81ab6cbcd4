"""What a command has Python read before it does anything: a person waits for that, and a service at each start."""

import json
import subprocess
import sys

#: imports one after the other, each with what the earlier ones have brought along
READ = """
import importlib, json, sys
read = {}
for name in sys.argv[1:]:
    importlib.import_module("rainbow_exchange.cli." + name)
    read[name] = sorted(sys.modules)
print(json.dumps(read))
"""


def test_no_command_reads_what_it_does_not_need() -> None:
    names = ["throttling_policy", "status", "preview", "retry", "run", "run_with_lab"]
    done = subprocess.run([sys.executable, "-c", READ, *names], capture_output=True, check=True, timeout=60)  # noqa: S603  (ours)
    read = json.loads(done.stdout)

    assert {"pydantic", "asyncio"}.isdisjoint(read["throttling_policy"])
    for name in ("status", "preview", "retry"):
        assert {"aiohttp", "cryptography", "keyring", "lxml", "structlog"}.isdisjoint(read[name])
    assert [module for module in read["run"] if module.startswith("rainbow_exchange.lab")] == []
    assert "aiohttp" in read["run"]  # so that the names above are those that there are
    assert "rainbow_exchange.lab.serve" in read["run_with_lab"]
