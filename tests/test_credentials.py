import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.errors
import pytest

from rainbow_exchange import credentials, own_keyring
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError
from tests.keyrings import MemoryKeyring, in_memory

KEYS = SECRETS + SECRET_URLS


class Given:
    """Settings of which only the secrets count."""

    def __init__(self, **values: str | Path) -> None:
        self.values = {key.replace("__", "."): value for key, value in values.items()}

    def given_secrets(self) -> Mapping[str, tuple[str | None, Path | None]]:
        given: dict[str, tuple[str | None, Path | None]] = {}
        for key in KEYS:
            value, file = self.values.get(key), self.values.get(f"{key}_file")
            given[key] = (value if isinstance(value, str) else None, file if isinstance(file, Path) else None)
        return given


class BrokenKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"no D-Bus for {service}/{username}")


class LockedKeyring(MemoryKeyring):
    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.opened.wait()
        return super().get_password(service, username)


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryKeyring]:
    with in_memory() as backend:
        yield backend


def test_environment_then_file_then_keyring(memory: MemoryKeyring, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\r\n")
    for key in KEYS:
        memory.set_password("rainbow-exchange", key, f"{key} from keyring")

    secrets = credentials.resolve(
        Given(exchange__password="given", exchange__password_file=file, rainbow__password_file=file)
    )

    assert secrets == Secrets(
        exchange_password="given",
        exchange_client_secret="exchange.client_secret from keyring",
        exchange_fallback_password="exchange.fallback_password from keyring",
        exchange_proxy_url="exchange.proxy_url from keyring",
        rainbow_password="from file",
        rainbow_app_secret="rainbow.app_secret from keyring",
        rainbow_proxy_url="rainbow.proxy_url from keyring",
        rainbow_proxy_password="rainbow.proxy_password from keyring",
    )
    assert "given" not in repr(secrets)


def test_what_is_nowhere_is_none() -> None:
    assert credentials.resolve(Given()) == Secrets()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"\r\n", "is empty"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"x" * 70_000, "larger than 64 KiB"),
        (None, "is not there"),
    ],
)
def test_files_that_cannot_be_used_are_reported_together(tmp_path: Path, content: bytes | None, part: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(UserError) as caught:
        credentials.resolve(Given(exchange__password_file=file, exchange__client_secret_file=tmp_path / "none"))

    first, second = caught.value.problems
    assert first.startswith(f"exchange.password_file: {file} ")
    assert part in first
    assert second == (
        f"exchange.client_secret_file: {tmp_path / 'none'} is not there; rainbow-exchange secret set"
        " exchange.client_secret writes it, or correct the path."
    )


def test_spaces_and_accents_of_a_secret_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" mot de passé \n", encoding="utf-8-sig")

    assert credentials.resolve(Given(rainbow__password_file=file)).rainbow_password == " mot de passé "


def test_no_keyring_is_a_clear_result() -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]  # keyring is half typed

    assert credentials.resolve(Given(exchange__password="p")) == Secrets(
        exchange_password="p", keyring_problem="this account has no keyring"
    )


def test_a_keyring_that_fails_is_a_clear_result() -> None:
    keyring.set_keyring(BrokenKeyring())

    assert credentials.resolve(Given()).keyring_problem == "the keyring of this account cannot be used (RuntimeError)"


def test_a_keyring_that_waits_for_a_person_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = LockedKeyring()
    keyring.set_keyring(locked)
    monkeypatch.setattr(own_keyring, "_SECONDS", 0.05)

    late = "the keyring of this account did not answer within 0.05 s"
    assert credentials.resolve(Given()).keyring_problem == late
    # nobody else is sent after it while it hangs
    assert credentials.resolve(Given()).keyring_problem == late
    assert [each.name for each in threading.enumerate()].count("keyring") == 1
    locked.opened.set()
    own_keyring._left_behind[0].join(60)
    assert credentials.resolve(Given()).keyring_problem == ""


def test_what_systemd_hands_over_stands_below_a_file_and_above_the_keyring(
    memory: MemoryKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed, file = tmp_path / "handed", tmp_path / "secret"
    handed.mkdir()
    for key in ("exchange.password", "rainbow.password"):
        (handed / key).write_text("from systemd\n")
        memory.set_password("rainbow-exchange", key, "from keyring")
    memory.set_password("rainbow-exchange", "rainbow.app_secret", "from keyring")
    file.write_text("from file")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))

    secrets = credentials.resolve(Given(rainbow__password_file=file))

    assert secrets == Secrets(
        exchange_password="from systemd", rainbow_password="from file", rainbow_app_secret="from keyring"
    )
    (handed / "exchange.password").write_bytes(b"")
    with pytest.raises(UserError, match=r"exchange\.password: .* is empty"):
        credentials.resolve(Given())


def test_files_that_login_writes_need_not_be_there_yet(tmp_path: Path) -> None:
    given = Given(rainbow__password_file=tmp_path / "none", rainbow__app_secret_file=tmp_path / "none")

    assert credentials.resolve(given) == Secrets()
