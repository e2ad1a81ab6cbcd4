import pytest

from rainbow_exchange.bridge.login_causes import how_to_set, refused
from rainbow_exchange.network.proxy import ProxyFault, ProxyTrouble
from rainbow_exchange.rainbow.errors import (
    RainbowApiError,
    RainbowAuthenticationError,
    RainbowConnectionError,
    RainbowError,
    RateLimited,
    UnexpectedAnswer,
)

URL = "https://openrainbow.com"
PROXY = ProxyTrouble(fault=ProxyFault.UNREACHABLE, text="The proxy proxy.acme.test:3128 cannot be reached.")


@pytest.mark.parametrize(
    ("step", "error", "text", "action"),
    [
        ("sign in", RainbowAuthenticationError(401500), "login or the password (401500)", "Five wrong ones in a row"),
        ("sign in", RainbowAuthenticationError(401501), "is locked", "each wrong try starts it anew"),
        ("sign in", RainbowAuthenticationError(401521), "company is not active", "your Rainbow partner"),
        ("sign in", RainbowAuthenticationError(401523), "account has expired", "extend its time"),
        ("sign in", RainbowAuthenticationError(403), "but not as Rainbow does", "rainbow.proxy_url"),
        ("sign in", RainbowAuthenticationError(401520), "the application is not", "developers.openrainbow.com"),
        ("sign in", RainbowAuthenticationError(401000, "Unauthorized"), "(401: Unauthorized)", "in a browser"),
        ("activate", RateLimited(12.77), "asks to wait 13 s", "The delay grows"),
        ("sign in", RainbowConnectionError("name"), "openrainbow.com is not known here", "DNS"),
        ("sign in", RainbowConnectionError("proxy", why=PROXY), "proxy.acme.test:3128", "rainbow.proxy_url"),
        ("token", RainbowApiError(401, 401000, "Unauthorized"), "is not accepted", "(F12)"),
        ("token", UnexpectedAnswer("no token"), "is no token of Rainbow", "(F12)"),
        ("list", RainbowApiError(403, 403000), "may not list the connectors of company 5fc1", "Who manages several"),
        ("list", RainbowApiError(404, 404000), "refuses to list the connectors of company 5fc1", "support"),
        ("activate", RainbowApiError(403, 403000), "refuses to activate", "Early Adopter licence"),
        ("activate", RainbowApiError(409, 409000), "another connector", "an administrator's account itself"),
        ("activate", RateLimited(240), "asks to wait 4 min before", "The delay grows"),
        (
            "activate",
            RainbowConnectionError("closed"),
            "cannot be reached: closed",
            "Whether a connector was made is not",
        ),
        ("activate", UnexpectedAnswer("no id"), "not as Rainbow does", "Whether a connector was made is not known"),
        ("delete", RainbowApiError(403, 403000), "may not delete the connector", "administrator"),
        ("users", RainbowApiError(403, 403000), "may not list the users", "administrator"),
    ],
)
def test_a_refused_step_has_its_cause_and_the_next_step(step: str, error: RainbowError, text: str, action: str) -> None:
    why = refused(step, error, URL, company_id="5fc1")

    assert text in why.text
    assert action in why.action
    assert "tried again by itself" not in why.action
    assert "--" not in why.text + why.action


@pytest.mark.parametrize(
    ("step", "error", "offers"),
    [
        ("sign in", RainbowAuthenticationError(401520), ("application",)),
        ("token", RainbowApiError(401, 401000), ("token",)),
        ("activate", RainbowApiError(403, 403000), ("as-account",)),
        ("list", RainbowApiError(403, 403000), ("company",)),
        ("list", RainbowApiError(404, 404000), ()),
    ],
)
def test_a_refused_step_names_the_ways_that_are_open(step: str, error: RainbowError, offers: tuple[str, ...]) -> None:
    assert refused(step, error, URL).offers == offers


def test_missing_settings_of_rainbow_lead_to_login_and_to_where_an_application_comes_from() -> None:
    said = " ".join(how_to_set(["exchange.url", "rainbow.login", "rainbow.app_id"]))

    assert said.startswith("rainbow-exchange login sees to rainbow.login, rainbow.app_id, without restart.")
    assert "https://developers.openrainbow.com" in said
    assert "Or set them in config.toml" in said


def test_missing_settings_of_exchange_lead_to_setup() -> None:
    assert [*how_to_set(["exchange.username", "exchange.password"])] == [
        (
            "rainbow-exchange setup exchange tries exchange.username, exchange.password and keeps what works, without"
            " restart."
        ),
        (
            "Or set them in config.toml or as RAINBOW_EXCHANGE_… variables, then restart; secrets with rainbow-exchange"
            " secret set NAME, without restart."
        ),
    ]
