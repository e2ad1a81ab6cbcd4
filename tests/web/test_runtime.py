import json
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rainbow_exchange.web import runtime
from rainbow_exchange.web.runtime import Runtime

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def publish(folder: Path, nonce: str = "nonce") -> Runtime:
    return runtime.publish(folder, host="127.0.0.1", port=3001, nonce=nonce, token="token", now=NOW)


def test_what_is_published_is_read(tmp_path: Path) -> None:
    published = publish(tmp_path / "new")

    assert runtime.read(tmp_path / "new") == published
    assert published.pid == os.getpid()
    assert published.started == "2026-01-02T03:04:05+00:00"
    assert runtime.read_token(tmp_path / "new") == "token"
    assert "nonce'" not in repr(published)


@pytest.mark.skipif(sys.platform == "win32", reason="a file's mode says nothing there")
def test_both_files_are_for_our_account_alone(tmp_path: Path) -> None:
    publish(tmp_path / "new")

    for file in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_both_files_are_gone_after_the_stop(tmp_path: Path) -> None:
    runtime.withdraw(tmp_path, publish(tmp_path))
    runtime.withdraw(tmp_path, publish(tmp_path / "other"))

    assert [file.name for file in tmp_path.iterdir()] == ["other"]


def test_another_daemons_files_stay(tmp_path: Path) -> None:
    old = publish(tmp_path, nonce="old")
    new = publish(tmp_path, nonce="new")

    runtime.withdraw(tmp_path, old)

    assert runtime.read(tmp_path) == new
    assert runtime.read_token(tmp_path) == "token"


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert runtime.read(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema_version": 2}',
        '{"schema_version": 1, "host": "127.0.0.1", "port": "3001", "pid": 1, "nonce": "n", "started": "s"}',
        '{"schema_version": 1, "host": "127.0.0.1", "port": 3001, "pid": 1, "nonce": "n"}',
        " " * 20_000,
        pytest.param("[" * 8_000, id="deep"),
    ],
)
def test_a_file_that_is_not_ours_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "runtime.json").write_text(content)

    with pytest.raises(ValueError, match=r"schema|missing|larger|Expecting|deeply"):
        runtime.read(tmp_path)


def test_unknown_values_of_the_file_do_no_harm(tmp_path: Path) -> None:
    published = publish(tmp_path)
    content = json.loads((tmp_path / "runtime.json").read_text())
    (tmp_path / "runtime.json").write_text(json.dumps(content | {"later": 1}))

    assert runtime.read(tmp_path) == published


def test_a_proof_depends_on_nonce_and_challenge() -> None:
    challenge = runtime.new_challenge()

    assert runtime.proof("a", challenge) == runtime.proof("a", challenge)
    assert len({runtime.proof("a", challenge), runtime.proof("b", challenge), runtime.proof("a", challenge + "0")}) == 3
    # worked out by openssl dgst -sha256 -hmac
    assert runtime.proof("nonce", "00" * 16) == ("daa272fffd550da6a7187e6517a31e0ac735836bf31d5b6d14e611c2307f4bc7")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("ab" * 16, True), ("ab" * 64, True), ("ab" * 15, False), ("ab" * 65, False), ("AB" * 16, False), ("", False)],
)
def test_challenges_are_bounded(text: str, is_one: bool) -> None:
    assert runtime.is_challenge(text) is is_one


def test_secrets_are_long_and_never_the_same() -> None:
    assert len({runtime.new_secret() for _ in range(100)}) == 100
    assert all(len(runtime.new_secret()) == 64 for _ in range(3))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists in place of owners")
def test_what_some_other_account_has_put_there_is_not_read(tmp_path: Path) -> None:
    if sys.platform != "win32":
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        publish(tmp_path)
        os.chown(tmp_path / "runtime.json", 65534, -1)
        with pytest.raises(OSError, match="written by another account, number 65534"):
            runtime.read(tmp_path)
        os.chown(tmp_path / "web-token", 65534, -1)
        with pytest.raises(OSError, match="written by another account"):
            runtime.read_token(tmp_path)

        os.chown(tmp_path, 65534, -1)  # the folder of a service that runs as that account
        assert runtime.read(tmp_path) is not None
        assert runtime.read_token(tmp_path) == "token"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_nobody_waits_for_what_is_no_file(tmp_path: Path) -> None:
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "runtime.json")
        with pytest.raises(OSError, match="no ordinary file"):
            runtime.read(tmp_path)
