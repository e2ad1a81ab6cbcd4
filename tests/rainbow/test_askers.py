import pytest

from rainbow_exchange.rainbow.askers import Jid, may_ask

ME = Jid.read("0a1b@openrainbow.com")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A@B.Test/R", ("a", "b.test", "R")),
        ("b.test", ("", "b.test", "")),
        ("b.test/r@x/y", ("", "b.test", "r@x/y")),
        ("a@b.test", ("a", "b.test", "")),
        ("a@b.test.", ("a", "b.test", "")),
        ("", ("", "", "")),
    ],
)
def test_jid_is_taken_apart(text: str, parts: tuple[str, str, str]) -> None:
    jid = Jid.read(text)
    assert (jid.local, jid.domain, jid.resource) == parts


@pytest.mark.parametrize(
    ("sender", "allowed"),
    [
        ("", True),
        ("openrainbow.com", True),
        ("calendar.openrainbow.com/x", True),
        ("pcloud_enduser_1@openrainbow.com/123", True),
        ("PCLOUD_enduser_1@OpenRainbow.com/123", True),
        ("pcloud_enduser_1@calendar.openrainbow.com/123", False),
        ("pcloud_enduser_1@evil.test/123", False),
        ("mallory@openrainbow.com/m", False),
        ("0a1b@openrainbow.com/other", False),
        ("evil.test/pcloud_enduser_1@openrainbow.com", False),
        ("evilopenrainbow.com", False),
        ("mallory@evil.test/@openrainbow.com", False),
    ],
)
def test_by_default_rainbows_own_parts_may_ask(sender: str, *, allowed: bool) -> None:
    assert may_ask(sender, ME, None) is allowed


@pytest.mark.parametrize(
    ("sender", "allowed"),
    [
        ("ada@other.test/x", True),
        ("bob@other.test/x", False),
        ("anyone@partner.test/x", True),
        ("partner.test", True),
        ("below.partner.test", False),
        ("pcloud_enduser_1@openrainbow.com/123", True),
        ("mallory@openrainbow.com/m", False),
    ],
)
def test_a_list_of_trusted_askers_admits_more_than_the_default(sender: str, *, allowed: bool) -> None:
    assert may_ask(sender, ME, ["Ada@other.test", "partner.test"]) is allowed


def test_an_empty_list_admits_nobody_more() -> None:
    assert may_ask("openrainbow.com", ME, [])
    assert not may_ask("mallory@openrainbow.com/m", ME, [])
