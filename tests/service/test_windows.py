from rainbow_exchange.service import windows
from rainbow_exchange.service.accounts import Account, account
from rainbow_exchange.service.plan import MakeFolder, Run, Step

NSSM = "C:\\Tools\\nssm.exe"
LOCAL_SERVICE = account("LocalService", "rainbow-exchange")


def service(who: Account = LOCAL_SERVICE, **changed: str | bool) -> windows.WindowsService:
    values = {
        "name": "rainbow-exchange",
        "nssm": NSSM,
        "python": "C:\\Program Files\\Python313\\python.exe",
        "folder": "C:\\ProgramData\\rainbow-exchange",
        "config_file": "C:\\ProgramData\\rainbow-exchange\\config.toml",
    }
    return windows.WindowsService(account=who, **(values | changed))  # type: ignore[arg-type]  # plain values by name


def commands(steps: list[Step]) -> list[tuple[str, ...]]:
    return [step.command for step in steps if isinstance(step, Run)]


def value(service: windows.WindowsService, *parameter: str) -> tuple[str, ...]:
    found = [each[len(parameter) :] for each in windows.settings(service) if each[: len(parameter)] == parameter]
    assert len(found) == 1
    return found[0]


def test_it_stops_by_ctrl_c_with_time_for_an_ordered_end_and_then_at_once() -> None:
    assert value(service(), "AppStopMethodConsole") == ("20000",)
    assert value(service(), "AppStopMethodSkip") == ("6",)


def test_it_is_started_again_but_not_with_wrong_settings_nor_after_a_stop() -> None:
    made = service()
    assert value(made, "AppExit", "Default") == ("Restart",)
    assert value(made, "AppExit", "0") == ("Exit",)
    assert value(made, "AppExit", "2") == ("Exit",)


def test_the_interpreter_itself_is_started() -> None:
    made = service()
    assert value(made, "Application") == ("C:\\Program Files\\Python313\\python.exe",)
    assert value(made, "AppParameters") == (
        "-m rainbow_exchange run --stderr warning --config C:\\ProgramData\\rainbow-exchange\\config.toml",
    )
    spaced = service(config_file="D:\\our settings\\c.toml")
    assert value(spaced, "AppParameters") == (
        '-m rainbow_exchange run --stderr warning --config "D:\\our settings\\c.toml"',
    )
    assert value(service(config_file=""), "AppParameters") == ("-m rainbow_exchange run --stderr warning",)


def test_a_virtual_environment_is_used_without_its_launcher() -> None:
    venv = "C:\\Program Files\\rainbow-exchange\\Scripts\\python.exe"
    assert f"__PYVENV_LAUNCHER__={venv}" in value(service(venv_python=venv), "AppEnvironmentExtra")
    assert all("PYVENV" not in each for each in value(service(), "AppEnvironmentExtra"))


def test_the_environment_has_no_secret_and_a_log_file_only_where_the_settings_name_none() -> None:
    log = "RAINBOW_EXCHANGE_LOG__FILE=C:\\ProgramData\\rainbow-exchange\\rainbow-exchange.log"
    assert value(service(), "AppEnvironmentExtra") == ("PYTHONUNBUFFERED=1", "PYTHONUTF8=1", log)
    assert value(service(logs_elsewhere=True), "AppEnvironmentExtra") == ("PYTHONUNBUFFERED=1", "PYTHONUTF8=1")


def test_a_new_service_is_made_and_can_be_taken_back_and_one_that_is_there_is_set_anew() -> None:
    fresh = list(windows.install(service(), exists=False))
    made = next(step for step in fresh if isinstance(step, Run) and step.command[1] == "install")
    assert made.back == (NSSM, "remove", "rainbow-exchange", "confirm")
    again = list(windows.install(service(), exists=True))
    assert [step for step in fresh if step not in again] == [made]
    assert isinstance(again[0], MakeFolder)


def test_a_group_managed_account_has_an_empty_password() -> None:
    steps = list(windows.install(service(account("ACME\\svc$", "rainbow-exchange")), exists=False))
    assert (NSSM, "set", "rainbow-exchange", "ObjectName", "ACME\\svc$", "") in commands(steps)
    assert not [step for step in steps if isinstance(step, Run) and step.asks_password]


def test_a_password_is_typed_and_stands_on_no_command_line_nor_in_a_repr() -> None:
    who = account("ACME\\o'neil", "rainbow-exchange")
    made = service(who, password="s3cret-of-the-lab")
    steps = list(windows.install(made, exists=False))
    asking = [step for step in steps if isinstance(step, Run) and step.asks_password]
    assert [step.typed for step in asking] == ["s3cret-of-the-lab"]
    assert "StartName = 'ACME\\o''neil'; StartPassword = $in.ReadLine()" in asking[0].command[-1]
    assert "s3cret" not in repr((made, steps))
    assert not [command for command in commands(steps) if "s3cret" in " ".join(command)]
    set_account = commands(steps).index((NSSM, "set", "rainbow-exchange", "ObjectName", "ACME\\o'neil", "placeholder"))
    assert commands(steps)[set_account + 1] == asking[0].command


def test_a_name_with_a_quote_of_print_ends_no_text_of_powershell() -> None:
    made = service(account("ACME\\o\u2019neil", "rainbow-exchange"), password="s3cret-of-the-lab")
    (asking,) = [step for step in windows.install(made, exists=False) if isinstance(step, Run) and step.asks_password]
    assert "StartName = 'ACME\\o\u2019\u2019neil'; StartPassword" in asking.command[-1]


def test_the_folder_is_closed_to_others_by_sid() -> None:
    steps = list(windows.install(service(), exists=False))
    assert commands(steps)[-1] == (
        "C:\\Windows\\System32\\icacls.exe",
        "C:\\ProgramData\\rainbow-exchange",
        "/inheritance:r",
        "/grant:r",
        "*S-1-5-18:(OI)(CI)F",
        "*S-1-5-32-544:(OI)(CI)F",
        "*S-1-5-19:(OI)(CI)F",
        "/T",
        "/Q",
    )


def test_uninstalling_stops_it_first_and_touches_no_folder() -> None:
    assert commands(list(windows.uninstall("X", NSSM))) == [(NSSM, "stop", "X"), (NSSM, "remove", "X", "confirm")]
