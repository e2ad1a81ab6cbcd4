"""Prometheus' own tool reads the alerts, runs their tests, and reads the example of settings."""

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.peer

MONITORING = Path(__file__).parent.parent.parent / "docs" / "monitoring"


def test_promtool_passes_the_rules_their_tests_and_the_example(installed: Any, tmp_path: Path) -> None:
    installed.need("prometheus", "promtool")
    for name in ("alerts.yml", "alerts_test.yml", "prometheus.yml"):
        shutil.copy(MONITORING / name, tmp_path)
    assert "15 rules found" in installed.run("promtool", "check", "rules", str(tmp_path / "alerts.yml"))
    installed.run("promtool", "check", "config", str(tmp_path / "prometheus.yml"))
    assert "SUCCESS" in installed.run("promtool", "test", "rules", str(tmp_path / "alerts_test.yml"))
