import sys
from pathlib import Path

import pytest

from rainbow_exchange.config import Settings
from rainbow_exchange.diagnosis.check.local import Candidate, resolve, secrets_step
from tests.keyrings import in_memory


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists in place of modes")
def test_a_secret_s_file_that_others_may_read_is_a_warning_with_the_command_that_closes_it(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text("p")
    file.chmod(0o644)
    settings = Settings.model_validate({"exchange": {"username": "a@acme.test", "password_file": file}})

    with in_memory():
        found = {}
        for mode in (0o644, 0o600):
            file.chmod(mode)
            secrets, faults = resolve(settings)
            candidate = Candidate(settings=settings, secrets=secrets, secret_faults=faults)
            found[mode] = secrets_step(candidate, sides=("exchange",))

    assert (found[0o644].verdict, found[0o644].cause) == ("warn", "secret-exposed")
    assert found[0o644].text.startswith(
        f"{file} (mode 0644) may be read by every account of this machine; chmod 600 {file}"
    )
    assert found[0o600].verdict == "pass"
