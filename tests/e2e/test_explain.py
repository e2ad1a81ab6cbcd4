"""The past survives a kill: `explain --at` as a process, of a connector that was killed and started again."""

import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.processes import COMMAND, Connector, World, until

ADDRESS = "ada.lovelace@acme.test"


def explain(connector: Connector, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603 (our own command)
        [COMMAND, "explain", ADDRESS, *arguments],
        env=os.environ | connector.environment,
        capture_output=True,
        timeout=90,
        check=False,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def of_json(connector: Connector, *arguments: str) -> dict[str, Any]:
    _, text = explain(connector, "--json", *arguments)
    assert text.count("\n") == 1
    shown: dict[str, Any] = json.loads(text)
    return shown


def answered_busy(folder: Path) -> bool:
    """Whether an answer that somebody is busy now is in the file of what has happened, which nobody else may open."""
    written = b"".join(file.read_bytes() for file in folder.glob("history.db*"))
    return re.search(rb'"now": ?[\[{][^\]}]*"busy"', written) is not None


@pytest.mark.processes
def test_what_happened_before_a_kill_is_told_after_it(world: World) -> None:
    ada = {"loginEmail": ADDRESS, "firstName": "Ada", "emails": [{"email": ADDRESS, "type": "work"}]}
    lab = world.lab([ada])
    connector = world.connector(lab)
    connector.healthy(1)
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    meeting = {"subject": "Sbj4711", "start": begins.isoformat(), "end": (begins + timedelta(hours=1)).isoformat()}
    lab.exchange("POST", f"/lab/mailboxes/{ADDRESS}/items", meeting | {"zone": "UTC"})
    until(lambda: lab.colleague(ADDRESS).sees(ADDRESS)["status"] == "busy", "ada is shown busy")
    folder = Path(connector.environment["RAINBOW_EXCHANGE_STATE__PATH"])
    until(lambda: answered_busy(folder), "the answer is written")
    then = datetime.now(UTC)
    connector.kill()
    time.sleep(1)
    again = Connector(connector.arguments, connector.folder.with_name("again"), connector.environment)
    world.stack.callback(again.kill)
    again.start()
    again.healthy(1)

    code, text = explain(again, "--at", then.isoformat())
    shown = of_json(again, "--at", then.isoformat())

    assert code == 0, text
    assert shown["verdict"]["right"] is True
    assert shown["shown"]["current"]["show_as"] == shown["known"]["current"]["show_as"] == "busy"
    assert f"{ADDRESS} was shown right" in text
    assert "and was answered busy until" in text
    assert "Sbj4711" not in text + json.dumps(shown)
    assert b"Sbj4711" not in (Path(again.environment["RAINBOW_EXCHANGE_STATE__PATH"]) / "history.db").read_bytes()
    # pages of the chain as it is now, in a pipe
    code, text = explain(again)
    assert code == 0
    assert "Rainbow asks for the calendar, answered busy until" in text
