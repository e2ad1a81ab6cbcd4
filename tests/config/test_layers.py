from pathlib import Path

import pytest

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.config.layers import Given, beneath, stands_above

MADE = {
    "rainbow.login": Given("ldap@acme.test", "login of 2026-11-26"),
    "rainbow.url": Given("https://rainbow.acme.test", "login of 2026-11-26"),
}


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return config.load(file)


def test_a_lower_layer_fills_what_nothing_above_gives(tmp_path: Path) -> None:
    settings, faults = beneath(load(tmp_path, '[rainbow]\nlogin = "file@acme.test"\n'), MADE)

    assert (settings.rainbow.login, settings.rainbow.url) == ("file@acme.test", "https://rainbow.acme.test")
    assert settings.origin("rainbow.login") == str(tmp_path / "config.toml")
    assert settings.origin("rainbow.url") == "login of 2026-11-26"
    assert faults == []


def test_the_settings_beneath_which_it_is_laid_stay_as_they_are(tmp_path: Path) -> None:
    before = load(tmp_path, "")
    beneath(before, MADE)

    assert (before.rainbow.login, before.origin("rainbow.login")) == (None, "default")
    assert not stands_above(before, "rainbow.login")
    assert config.data_folder(beneath(before, MADE)[0]) == tmp_path


def test_of_two_layers_the_first_that_is_laid_is_the_stronger_one(tmp_path: Path) -> None:
    settings, _ = beneath(load(tmp_path, ""), MADE)
    settings, _ = beneath(settings, {"rainbow.login": Given("other@acme.test", "Rainbow")})

    assert settings.rainbow.login == "ldap@acme.test"
    assert stands_above(settings, "rainbow.login")


def test_settings_made_by_hand_stand_above_too() -> None:
    settings, _ = beneath(Settings.model_validate({"rainbow": {"login": "hand@acme.test"}}), MADE)

    assert (settings.rainbow.login, settings.rainbow.url) == ("hand@acme.test", "https://rainbow.acme.test")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("rainbow.colour", "red", "rainbow.colour (Rainbow) is not a setting; it is left out."),
        ("nothing", "red", "nothing (Rainbow) is not a setting; it is left out."),
        (
            "exchange.url",
            "http://mail.acme.test/EWS",
            (
                "exchange.url (Rainbow) would send credentials unencrypted; write https:// (http:// is for this machine"
                " only); it is left out."
            ),
        ),
        (
            "exchange.impersonation",
            "perhaps",
            (
                "exchange.impersonation (Rainbow) Input should be a valid boolean, unable to interpret input; it is"
                " left out."
            ),
        ),
    ],
)
def test_what_is_of_no_use_is_left_out_and_said(tmp_path: Path, key: str, value: object, fault: str) -> None:
    before = load(tmp_path, "")
    settings, faults = beneath(before, {key: Given(value, "Rainbow")})

    assert settings.model_dump() == before.model_dump()
    assert faults == [fault]


def test_what_contradicts_a_value_above_is_left_out(tmp_path: Path) -> None:
    settings, faults = beneath(
        load(tmp_path, '[exchange]\nauth = "basic"\n'),
        {"exchange.token_url": Given("https://adfs.acme.test/token", "Rainbow")},
    )

    assert settings.exchange.token_url is None
    assert faults == [
        "exchange.token_url has no effect with exchange.auth basic; write auto or bearer, or take the address out."
    ]
