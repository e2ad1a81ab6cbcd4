"""One name per operation, everywhere; and no recorded answer goes unread."""

import re
from pathlib import Path

from rainbow_exchange.ews import operations

ROOT = Path(__file__).parents[2]
NAMES = {
    "find_item",
    "get_mail_tips",
    "get_password_expiration_date",
    "get_service_configuration",
    "get_streaming_events",
    "get_user_availability",
    "get_user_oof_settings",
    "get_user_settings",
    "pox_autodiscover",
    "resolve_names",
    "subscribe",
    "unsubscribe",
}


def test_templates_operations_tests_and_answers_have_the_same_names() -> None:
    assert operations.__file__ is not None
    modules = Path(operations.__file__).parent.glob("[a-z]*.py")
    tests = (Path(__file__).parent / "operations").glob("test_*.py")
    assert {path.stem for path in (ROOT / "soap_templates").glob("*.xml")} == NAMES
    assert {path.stem for path in modules} == NAMES
    assert {path.stem.removeprefix("test_") for path in tests} == NAMES
    assert {path.name for path in (ROOT / "fixtures" / "ews").glob("*/*") if path.is_dir()} == NAMES


def test_each_answer_of_our_own_is_read_by_a_test_and_has_its_reason() -> None:
    written = {
        path.relative_to(ROOT / "fixtures/ews").with_suffix("").as_posix()
        for path in (ROOT / "fixtures/ews").rglob("*.xml")
    }
    reasons = (ROOT / "fixtures/ews/README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(.+?)` \|", reasons, re.MULTILINE)) == written
    readers = [*Path(__file__).parent.rglob("test_*.py"), ROOT / "fixtures/right/recorded.toml"]
    tests = "".join(path.read_text(encoding="utf-8") for path in readers)
    assert {name for name in written if name not in tests} == set()


def test_each_recorded_answer_is_read_by_a_test(shared: Path) -> None:
    samples = shared / "ews" / "samples"
    recorded = {path.stem for path in samples.rglob("*") if path.is_file() and path.name != "README.md"}
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
    assert {name for name in recorded if name not in tests} == set()
