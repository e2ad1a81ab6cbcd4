"""What goes wrong at set-up names the thing and the next step; the rest goes on where there is a rest."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e]


@pytest.fixture
def lab(world: Any, person: Callable[..., dict[str, Any]]) -> Any:
    return world.lab([person("ada")])


def test_no_settings_at_all_are_named_and_the_page_is_served(world: Any) -> None:
    connector = world.connector()
    problem = connector.problem("settings-missing")
    for key in ("exchange.url", "exchange.username", "exchange.password", "rainbow.login", "rainbow.app_id"):
        assert key in problem["text"]
    assert connector.status()["state"] == "degraded"
    assert connector.stop() == 0


@pytest.mark.parametrize(
    ("url", "problem_id", "said"),
    [
        ("{base}/owa/nothing", "exchange-not-ews", "exchange.url"),
        ("http://127.0.0.1:9/EWS/Exchange.asmx", "exchange-unreachable", "127.0.0.1:9"),
        ("https://no-such-host.invalid/EWS/Exchange.asmx", "exchange-name-unknown", "no-such-host.invalid"),
    ],
)
def test_a_wrong_exchange_address_is_named(world: Any, lab: Any, url: str, problem_id: str, said: str) -> None:
    base = lab.addresses["exchange"]["url"].removesuffix("/EWS/Exchange.asmx")
    connector = world.connector(lab, EXCHANGE__URL=url.format(base=base))
    problem = connector.problem(problem_id)
    assert said in problem["text"] + problem["action"]
    assert connector.status()["rainbow"]["state"] == "connected", "the other side goes on"


def test_a_refused_exchange_password_is_tried_once_and_named(world: Any, lab: Any) -> None:
    connector = world.connector(lab, EXCHANGE__PASSWORD="wrong")
    problem = connector.problem("exchange-authentication")
    assert "exchange.password" in problem["action"]
    assert len(lab.exchange("GET", "/lab/attempts")) == 1


def test_a_certificate_that_is_not_trusted_is_named_and_its_ca_helps(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada")], "--tls")
    distrusting = world.connector(lab, EXCHANGE__CA_FILE="")
    problem = distrusting.problem("exchange-certificate")
    assert "exchange.ca_file" in problem["action"]
    assert distrusting.stop() == 0
    world.connector(lab).healthy(streamed=1)


def test_an_empty_company_is_named(world: Any) -> None:
    connector = world.connector(world.lab([]))
    assert "rainbow.company_id" in connector.problem("rainbow-company-empty")["action"]


def test_a_user_without_an_address_is_named_and_the_others_go_on(
    world: Any, person: Callable[..., dict[str, Any]]
) -> None:
    lab = world.lab([person("ada"), {"loginEmail": "robot", "mailbox": None}])
    connector = world.connector(lab)
    assert "robot" in connector.problem("user-without-address")["text"]
    connector.healthy(streamed=1)


def test_a_wrong_rainbow_password_is_tried_once_and_named(world: Any, lab: Any) -> None:
    connector = world.connector(lab, RAINBOW__PASSWORD="wrong")
    problem = connector.problem("rainbow-authentication")
    assert "rainbow.password" in problem["action"]
    requests = lab.rainbow("GET", "/lab/requests?only=requests")["requests"]
    assert len([entry for entry in requests if entry["path"].endswith("/login")]) == 1


def test_an_unknown_company_is_named(world: Any, lab: Any) -> None:
    connector = world.connector(lab, RAINBOW__COMPANY_ID="5f00000000000000000000ff")
    problem = connector.problem("rainbow-company-unknown")
    assert "5f00000000000000000000ff" in problem["text"]
    assert "rainbow.company_id" in problem["action"]


def test_settings_that_are_wrong_are_all_named_at_once_with_exit_code_2(world: Any) -> None:
    connector = world.connector(EXCHANGE__URL="ftp://x", WEB__PORT="many", BRIDGE__PRIVACY="none")
    assert connector.process.wait(90) == 2
    said = connector.output()
    for key in ("exchange.url", "web.port", "bridge.privacy"):
        assert key in said
    assert "Traceback" not in said


def test_a_secret_in_the_settings_file_is_refused_with_the_reason(world: Any, tmp_path: Any) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[exchange]\npassword = "geheim"\n', encoding="utf-8")
    connector = world.connector()
    connector.kill()
    connector.arguments = ["run", "--config", str(file)]
    connector.start()
    assert connector.process.wait(90) == 2
    said = connector.output()
    assert "exchange.password" in said
    assert "exchange.password_file" in said
    assert "geheim" not in said
