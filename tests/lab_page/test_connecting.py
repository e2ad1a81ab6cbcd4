"""How to start a connector against this lab."""

from pathlib import Path

from rainbow_exchange.lab.made import Made
from rainbow_exchange.lab.serve import ExchangeSide, LabAddresses, RainbowSide
from rainbow_exchange.lab_page.connecting import commands

EXCHANGE = ExchangeSide(
    url="https://127.0.0.1:1/EWS/Exchange.asmx",
    username="svc",
    password="Exchange#1",
    ca_file=Path("/ca.pem"),
    token_url="",
    client_id="",
    client_secret="",
)
RAINBOW = RainbowSide(
    url="http://127.0.0.1:2", login="c@acme.test", password="R#1", app_id="a", app_secret="s", company_id="1"
)


def test_a_shell_is_given_each_address() -> None:
    lab = LabAddresses(exchange=EXCHANGE, rainbow=RAINBOW, users=(), made=Made())
    assert commands(lab, windows=False).splitlines() == [
        "export RAINBOW_EXCHANGE_EXCHANGE__URL='https://127.0.0.1:1/EWS/Exchange.asmx'",
        "export RAINBOW_EXCHANGE_EXCHANGE__USERNAME='svc'",
        "export RAINBOW_EXCHANGE_EXCHANGE__PASSWORD='Exchange#1'",
        "export RAINBOW_EXCHANGE_EXCHANGE__CA_FILE='/ca.pem'",
        "export RAINBOW_EXCHANGE_RAINBOW__URL='http://127.0.0.1:2'",
        "export RAINBOW_EXCHANGE_RAINBOW__LOGIN='c@acme.test'",
        "export RAINBOW_EXCHANGE_RAINBOW__PASSWORD='R#1'",
        "export RAINBOW_EXCHANGE_RAINBOW__APP_ID='a'",
        "export RAINBOW_EXCHANGE_RAINBOW__APP_SECRET='s'",
        "export RAINBOW_EXCHANGE_STATE__PATH='rainbow-exchange-lab'",
        "rainbow-exchange run",
    ]
    assert commands(lab, windows=True).splitlines()[1] == "$env:RAINBOW_EXCHANGE_EXCHANGE__USERNAME = 'svc'"


def test_one_side_alone_has_no_connector() -> None:
    assert commands(LabAddresses(exchange=EXCHANGE, rainbow=None, users=(), made=Made()), windows=False) == ""
