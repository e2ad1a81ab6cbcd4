import os
import sys
from pathlib import Path
from typing import Any

import pytest

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS, variable
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.errors import UserError


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No settings of this machine: neither variables nor the default folder's file."""
    for name in [name for name in os.environ if name.upper().startswith("RAINBOW_EXCHANGE_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "default"
    folder.mkdir()
    monkeypatch.setattr(config, "default_folder", lambda: folder)
    return folder


def toml(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(path: Path | None = None, overrides: dict[str, dict[str, Any]] | None = None) -> list[str]:
    with pytest.raises(UserError) as caught:
        config.load(path, overrides)
    return list(caught.value.problems)


def test_without_anything_the_defaults_stand_and_nothing_is_a_fault() -> None:
    settings = config.load()

    assert settings.model_dump() == Settings().model_dump()
    assert settings.rainbow.url == "https://openrainbow.com"
    assert settings.bridge.privacy == "private-masked"
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 3001)
    assert settings.exchange.impersonation is True
    assert settings.origin("exchange.url") == "default"


def test_command_line_beats_environment_beats_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = toml(
        tmp_path, '[exchange]\nusername = "file"\nclient_id = "file"\n[web]\nport = 1\n[log]\nlevel = "debug"\n'
    )
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__USERNAME", "variable")
    monkeypatch.setenv("RAINBOW_EXCHANGE_WEB__PORT", "2")

    settings = config.load(file, {"web": {"port": 3}})

    assert (settings.exchange.client_id, settings.exchange.username, settings.web.port) == ("file", "variable", 3)
    assert settings.log.level == "debug"
    assert settings.origin("exchange.client_id") == str(file)
    assert settings.origin("exchange.username") == "variable RAINBOW_EXCHANGE_EXCHANGE__USERNAME"
    assert settings.origin("web.port") == "command line"


def test_none_on_the_command_line_takes_a_value_away(tmp_path: Path) -> None:
    file = toml(tmp_path, '[exchange]\nproxy_url = "http://proxy.acme.test:8080"\n')

    assert config.load(file, {"exchange": {"proxy_url": None}}).exchange.proxy_url is None


def test_the_file_in_the_default_folder_is_found(own_folder: Path) -> None:
    (own_folder / "config.toml").write_text("[web]\nport = 4\n")

    settings = config.load()

    assert settings.web.port == 4
    assert config.data_folder(settings) == own_folder


def test_lower_case_names_and_empty_values_of_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("rainbow_exchange_web__port", "7")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__URL", " ")
    monkeypatch.setenv("RAINBOW_EXCHANGE_SHARED", "/somewhere")

    settings = config.load()

    assert settings.web.port == 7
    assert settings.exchange.url is None


@pytest.mark.parametrize("text", ["acme.com, @Acme.FR.", '["acme.com", "acme.fr"]'])
def test_lists_in_variables(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_BRIDGE__DOMAINS", text)

    assert config.load().bridge.domains == ("acme.com", "acme.fr")


def test_every_fault_is_reported_at_once_with_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = toml(
        tmp_path,
        """
        [exchange]
        url = "ftp://mail.acme.test"
        usernam = "x"
        password = "hunter2"
        auth = "magic"
        impersonation = "perhaps"
        [bridge]
        users_refresh_minutes = 1.5
        privacy = "none"
        [rainbow]
        login = 3
        link = "smoke"
        proxy_username = "me"
        [weeb]
        port = 1
        """,
    )
    monkeypatch.setenv("RAINBOW_EXCHANGE_WEB__PORT", "many")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE_USERNAME", "me")

    found = problems(file, {"log": {"level": "loud"}})

    expected = [
        "RAINBOW_EXCHANGE_EXCHANGE_USERNAME: write two underscores between the levels: RAINBOW_EXCHANGE_EXCHANGE__",
        f"exchange.password: a secret may not stand in {file}",
        f"exchange.url ({file}) is not a web address; write it like https://mail.company.com/EWS/Exchange.asmx.",
        f"exchange.usernam ({file}) is not a setting; did you mean exchange.username?",
        f"exchange.auth ({file}) must be one of 'auto', 'basic', 'ntlm', 'negotiate' or 'bearer'; correct it.",
        f"exchange.impersonation ({file}) must be true or false",
        f"bridge.users_refresh_minutes ({file}) must be a whole number",
        f"bridge.privacy ({file}) must be one of 'full', 'private-masked' or 'busy-only'",
        f"rainbow.login ({file}) must be text; write it in quotes",
        f"rainbow.link ({file}) must be one of 'xmpp' or 's2s'; correct it.",
        "weeb",
        "web.port (variable RAINBOW_EXCHANGE_WEB__PORT) must be a whole number",
        "log.level (command line) must be one of",
        "rainbow.proxy_username is given without rainbow.proxy_url",
    ]
    assert [start for start in expected if not any(problem.startswith(start) for problem in found)] == []
    assert len(found) == len(expected)
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_in_the_file_is_refused_with_the_reason_and_three_alternatives(tmp_path: Path, key: str) -> None:
    group, name = key.split(".")
    file = toml(tmp_path, f'[{group}]\n{name} = "hunter2"\n')

    (problem,) = problems(file)

    assert "copied" in problem
    for alternative in (variable(key), f"{key}_file", f"rainbow-exchange secret set {key}"):
        assert alternative in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("key", SECRET_URLS)
def test_a_proxy_url_is_a_secret_only_with_a_user_in_it(tmp_path: Path, key: str) -> None:
    group, name = key.split(".")

    plain = config.load(toml(tmp_path, f'[{group}]\n{name} = "http://proxy.acme.test:8080/"\n'))
    assert plain.given_secrets()[key] == ("http://proxy.acme.test:8080", None)
    (problem,) = problems(toml(tmp_path, f'[{group}]\n{name} = "http://me:hunter2@proxy.acme.test:8080"\n'))

    assert problem.startswith(f"{key}: a secret may not stand")
    assert "hunter2" not in problem


def test_secrets_are_taken_from_variables_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in SECRETS:
        monkeypatch.setenv(variable(key), "hunter2")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__FALLBACK_USERNAME", "other")
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PROXY_USERNAME", "me")
    monkeypatch.setenv("RAINBOW_EXCHANGE_RAINBOW__PROXY_URL", "http://proxy.acme.test:8080")
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHANGE__PROXY_URL", "http://me:hunter2@proxy.acme.test:8080")

    settings = config.load()

    assert {key: value for key, (value, _) in settings.given_secrets().items() if key in SECRETS} == dict.fromkeys(
        SECRETS, "hunter2"
    )
    assert settings.given_secrets()["exchange.proxy_url"][0] == "http://me:hunter2@proxy.acme.test:8080"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)


def test_each_secret_has_a_file_beside_it(tmp_path: Path) -> None:
    file = toml(tmp_path, '[exchange]\npassword_file = "secrets/exchange"\nproxy_url_file = "~/proxy"\n')

    given = config.load(file).given_secrets()

    assert given["exchange.password"] == (None, tmp_path / "secrets" / "exchange")
    assert given["exchange.proxy_url"] == (None, Path.home() / "proxy")
    assert set(given) == {*SECRETS, *SECRET_URLS}


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("http://mail.acme.test/EWS/Exchange.asmx", "unencrypted"),
        ("https://me:hunter2@mail.acme.test/EWS/Exchange.asmx", "settings of their own"),
        ("https://mail.acme.test/EWS/Exchange.asmx?wsdl", "holds a '?'"),
        ("mail.acme.test", "is not a web address"),
        ("https://mail.acme.test:port/", "is not a web address"),
        ("https://mail acme test/", "is not a web address"),
        ("https://[::1/", "is not a web address"),
        ("https:///EWS", "is not a web address"),
        ("https://mail..acme.test/EWS/Exchange.asmx", "two dots in a row"),
        ("https://" + "a" * 64 + ".acme.test/EWS/Exchange.asmx", "more than 63 characters"),
        ("https://mail\u200b.acme.test/EWS/Exchange.asmx", "invisible character"),
    ],
)
def test_an_exchange_url_that_cannot_be(url: str, part: str) -> None:
    (problem,) = problems(overrides={"exchange": {"url": url}})

    assert part in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80/EWS", "http://localhost/EWS", "http://[::1]:1/EWS", "https://mail.acme.test/EWS"]
)
def test_http_is_for_this_machine_only(url: str) -> None:
    assert config.load(None, {"exchange": {"url": url}}).exchange.url == url


def test_rainbow_url_is_the_server_alone() -> None:
    assert config.load(None, {"rainbow": {"url": "https://sandbox.openrainbow.com/"}}).rainbow.url == (
        "https://sandbox.openrainbow.com"
    )
    (problem,) = problems(overrides={"rainbow": {"url": "https://openrainbow.com/api"}})
    assert "holds a path" in problem


@pytest.mark.parametrize(
    ("group", "name", "value", "part"),
    [
        ("exchange", "token_url", "https://adfs.acme.test/token#x", "holds a '?' or '#'"),
        ("exchange", "auth", "magic", "must be one of"),
        ("exchange", "ca_file", "nowhere.pem", "there is no file"),
        ("exchange", "proxy_url", "proxy:8080", "is not a web address"),
        ("exchange", "proxy_url", "http://proxy:8080/path", "holds a path"),
        ("exchange", "proxy_url", "http://proxy..acme.test:3128", "cannot be looked up"),
        (
            "exchange",
            "autodiscover_url",
            "https://mail..acme.test/autodiscover/autodiscover.svc",
            "cannot be looked up",
        ),
        ("exchange", "token_url", "https://adfs..acme.test/adfs/oauth2/token", "cannot be looked up"),
        ("exchange", "username", "svc@acme..test", "holds no domain behind the @; write it like name@company.com"),
        ("exchange", "username", "svc@[acme", "holds no domain behind the @"),
        ("rainbow", "url", "https://open..rainbow.test", "cannot be looked up"),
        ("bridge", "domains", "acme..test", "no mail domain"),
        ("exchange", "allowed_hosts", "https://mail.acme.test/", "no host name"),
        ("exchange", "allowed_hosts", "localhost:443", "write each host by its whole name alone"),
        ("exchange", "allowed_hosts", "*.acme.test", "write each host by its whole name alone"),
        ("bridge", "domains", "ada@acme.test", "no mail domain"),
        ("bridge", "domains", '["acme.test"', "is not a list"),
        ("bridge", "domains", 3, "valid tuple"),
        ("bridge", "privacy_exceptions", {"board.acme.test": "full"}, "holds 'board.acme.test', which is no address"),
        ("bridge", "privacy_exceptions", {"*@acme..test": "full"}, "holds '*@acme..test', which is no address"),
        ("bridge", "privacy_exceptions", {"a b@acme.test": "full"}, "holds 'a b@acme.test', which is no address"),
        (
            "bridge",
            "privacy_exceptions",
            {"ada@acme.test": "none"},
            "gives ada@acme.test the level 'none'; write one of",
        ),
        ("bridge", "privacy_exceptions", {"ada@acme.test": True}, "gives ada@acme.test the level True"),
        (
            "bridge",
            "privacy_exceptions",
            {"ada@acme.test": "full", "Ada@acme.test": "busy-only"},
            "gives ada@acme.test two levels",
        ),
        ("bridge", "privacy_exceptions", {"@x": "full", "a@b@c": "full"}, "holds '@x', which"),
        ("bridge", "privacy_exceptions", {"@x": "full", "a@b@c": "full"}, "; and it holds 'a@b@c', which"),
        ("bridge", "privacy_exceptions", "ada@acme.test", "gives ada@acme.test the level ''; write one of"),
        ("bridge", "privacy_exceptions", '{"ada@acme.test"', "is not valid JSON"),
        pytest.param("bridge", "privacy_exceptions", '{"a":' * 100_000, "is not valid JSON", id="deep-table"),
        ("bridge", "privacy_exceptions", "a@x.test=busy-only, a@x.test=full", "gives a@x.test two levels"),
        ("bridge", "privacy_exceptions", '{"a@x.test": "busy-only", "a@x.test": "full"}', "gives a@x.test two levels"),
        ("bridge", "privacy_exceptions", ["ada@acme.test"], "is no table of address patterns"),
        ("bridge", "users_refresh_minutes", 0, "greater than or equal to 1"),
        ("web", "host", "page acme", "is no address of this machine"),
        ("web", "port", 65536, "less than or equal to 65535"),
        ("rainbow", "callback_port", 0, "greater than or equal to 1"),
        ("rainbow", "callback_url", "http://connector.acme.test/rainbow", "unencrypted across the internet"),
        ("rainbow", "callback_url", "https://me:secret@connector.acme.test", "a user name or password"),
        ("rainbow", "callback_url", "https://connector.acme.test/?a=b", "'?' or '#'"),
        ("rainbow", "callback_host", "0.0.0.0:3002", "no address of this machine"),
        ("log", "format", "xml", "must be one of"),
        pytest.param("exchange", "allowed_hosts", "[" * 100_000, "is not a list", id="deep"),
        ("log", "zzzzzzzzzz", True, "take it out"),
    ],
)
def test_a_value_that_cannot_be_names_its_key(group: str, name: str, value: object, part: str) -> None:
    (problem,) = problems(overrides={group: {name: value}})

    assert problem.startswith(f"{group}.{name} (command line) ")
    assert part in problem


@pytest.mark.parametrize(
    "written",
    [
        "*@Board.acme.test = busy-only, press@acme.test=full",
        '{"*@board.acme.test": "busy-only", "press@acme.test": "full"}',
    ],
)
def test_exceptions_from_privacy_in_a_variable(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_BRIDGE__PRIVACY_EXCEPTIONS", written)

    assert config.load().bridge.privacy_exceptions == {"*@board.acme.test": "busy-only", "press@acme.test": "full"}


def test_exceptions_from_privacy_in_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, """
        [bridge]
        privacy = "full"
        mask_personal = false
        [bridge.privacy_exceptions]
        "*@board.acme.test" = "busy-only"
    """)  # fmt: skip
    settings = config.load(file)

    assert settings.bridge.privacy_exceptions == {"*@board.acme.test": "busy-only"}
    assert settings.origin("bridge.privacy_exceptions") == str(file)
    assert settings.bridge.mask_personal is False


S2S = {"link": "s2s", "callback_url": "https://connector.acme.test/rainbow"}


def test_s2s_with_an_address_is_enough() -> None:
    rainbow = config.load(overrides={"rainbow": S2S | {"callback_host": "[::1]"}}).rainbow
    assert (rainbow.link, rainbow.callback_url) == ("s2s", "https://connector.acme.test/rainbow")
    assert rainbow.callback_host == "::1"


@pytest.mark.parametrize(
    ("group", "values", "part"),
    [
        ("exchange", {"verify_certificates_insecurely_off": True, "ca_file": __file__}, "has no effect"),
        ("exchange", {"fallback_password": "x"}, "without exchange.fallback_username"),
        ("rainbow", {"proxy_password": "x"}, "without rainbow.proxy_username"),
        ("rainbow", {"proxy_username": "x"}, "without rainbow.proxy_url"),
        ("rainbow", {"proxy_username": "x", "proxy_url": "http://a:b@proxy:1"}, "keep one of them"),
        ("rainbow", {"callback_host": "rainbow.acme.test"}, "counts only with rainbow.link s2s"),
        ("rainbow", {"link": "s2s"}, "without rainbow.callback_url"),
        ("rainbow", {"callback_port": 3001} | S2S, "rainbow.callback_port and web.port are both 3001"),
        ("rainbow", {"trusted_askers": ["acme.test"]} | S2S, "counts only with rainbow.link xmpp"),
        ("web", {"host": "192.0.2.1"}, "unencrypted: whoever is in between could read the sign-in"),
        ("web", {"host": "page.acme.test", "tls_key_file": "page.key"}, "without web.tls_certificate_file; give both"),
        ("web", {"tls_certificate_file": "page.pem"}, "without web.tls_key_file; give both"),
    ],
)
def test_contradictions_are_faults(group: str, values: dict[str, object], part: str) -> None:
    (problem,) = problems(overrides={group: values})

    assert part in problem


def test_a_contradiction_is_not_reported_over_a_value_that_is_itself_faulty() -> None:
    found = problems(overrides={"rainbow": {"proxy_username": "me", "proxy_url": "proxy"}})

    assert len(found) == 1
    assert found[0].startswith("rainbow.proxy_url (command line) is not a web address")


def test_a_group_that_does_not_exist_is_found_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINBOW_EXCHANGE_EXCHAGE__URL", "https://mail.acme.test/EWS")

    assert problems() == [
        "exchage (variable RAINBOW_EXCHANGE_EXCHAGE__URL) is not a setting; did you mean exchange?",
    ]


@pytest.mark.parametrize("name", ["A.B__C", "EXCHANGE.URL__X", ".__X", "EXCHANGE__", "__URL"])
def test_whatever_a_variable_is_called_the_faults_are_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"RAINBOW_EXCHANGE_{name}", "x")

    (problem,) = problems()

    assert "is not a setting" in problem


def test_whatever_a_group_in_the_file_is_called_the_faults_are_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('["exchange.url"]\nx = 1\n[exchange]\n"a.b" = 2\n', encoding="utf-8")

    assert [problem.partition(" ")[0] for problem in problems(file)] == ["exchange.a.b", "exchange.url"]


def test_a_home_folder_of_nobody_is_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[state]\npath = "~nobody-of-that-name/x"\n', encoding="utf-8")

    (problem,) = problems(file)

    assert problem.startswith("state.path (")
    assert "begins with the home folder of nobody on this machine; write the whole path" in problem


def test_a_list_with_several_faults_is_one_fault() -> None:
    assert len(problems(overrides={"bridge": {"domains": ["a b", "c d"]}})) == 1


def test_every_value_that_can_be_chosen_now(tmp_path: Path) -> None:
    file = toml(
        tmp_path,
        """
        [exchange]
        allowed_hosts = ["Mail.acme.test"]
        auth = "basic"
        impersonation = false
        verify_certificates_insecurely_off = true
        [rainbow]
        link = "xmpp"
        trusted_askers = ["openrainbow.com"]
        [bridge]
        privacy = "busy-only"
        notify_at_boundaries = false
        [web]
        host = "::1"
        [log]
        level = "WARNING"
        format = "console"
        """,
    )

    settings = config.load(file)

    assert settings.exchange.allowed_hosts == ("mail.acme.test",)
    assert (settings.exchange.auth, settings.exchange.impersonation) == ("basic", False)
    assert settings.exchange.verify_certificates_insecurely_off is True
    assert (settings.rainbow.link, settings.rainbow.trusted_askers) == ("xmpp", ("openrainbow.com",))
    assert (settings.bridge.privacy, settings.bridge.notify_at_boundaries) == ("busy-only", False)
    assert settings.web.host == "::1"
    assert (settings.log.level, settings.log.format) == ("warning", "console")


def test_a_value_where_a_group_belongs(tmp_path: Path) -> None:
    (problem,) = problems(toml(tmp_path, 'exchange = "mail.acme.test"\n'))

    assert problem.endswith("is a group of settings; write [exchange] and its settings below.")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"[exchange\n", "is not valid TOML"),
        ("[exchange]\nusername = 'é'".encode("latin-1"), "is not UTF-8"),
        ("[exchange]\n".encode("utf-16"), "is not UTF-8"),
        (b"# " + b"x" * (1 << 20), "larger than 1 MiB"),
        pytest.param(b"x = " + b"[" * 100_000, "nested too deeply", id="deep"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, part: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)

    (problem,) = problems(file)

    assert part in problem
    assert str(file) in problem


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[web]\nport = 5\n", encoding="utf-8-sig")

    assert config.load(file).web.port == 5


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "none.toml")

    assert problem.startswith(f"{tmp_path / 'none.toml'} cannot be read")


def test_the_data_folder_is_the_path_then_the_files_folder_then_the_default(tmp_path: Path, own_folder: Path) -> None:
    file = toml(tmp_path, "[web]\nport = 1\n")

    assert config.data_folder(config.load(file, {"state": {"path": tmp_path / "state"}})) == tmp_path / "state"
    assert config.data_folder(config.load(file)) == tmp_path
    assert config.data_folder(config.load()) == own_folder


def test_relative_paths_in_the_file_begin_at_its_folder(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    file = toml(tmp_path, '[state]\npath = "data"\n[log]\nfile = "log.json"\n[exchange]\nca_file = "ca.pem"\n')

    settings = config.load(file)

    assert config.data_folder(settings) == tmp_path / "data"
    assert settings.log.file == tmp_path / "log.json"
    assert settings.exchange.ca_file == tmp_path / "ca.pem"


def test_missing_values_are_listed_in_the_order_of_filling_in() -> None:
    assert config.missing(Settings(), Secrets()) == [
        "exchange.username",
        "exchange.password",
        "rainbow.login",
        "rainbow.password",
        "rainbow.app_id",
        "rainbow.app_secret",
    ]


class TestDefaultFolder:
    @pytest.fixture(autouse=True)
    def own_folder(self) -> None:
        """Leave the real one in place."""

    def test_on_windows_it_is_machine_wide(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setenv("PROGRAMDATA", "/data")
        assert config.default_folder() == Path("/data/rainbow-exchange")
        monkeypatch.delenv("PROGRAMDATA")
        assert config.default_folder() == Path(r"C:\ProgramData") / "rainbow-exchange"

    def test_on_linux_it_depends_on_the_account(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
        monkeypatch.setattr(sys, "platform", "linux")
        assert config.default_folder() == Path("/var/lib/rainbow-exchange")
        monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
        assert config.default_folder() == tmp_path / "rainbow-exchange"
