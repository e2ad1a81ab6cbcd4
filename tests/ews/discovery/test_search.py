from rainbow_exchange.ews.discovery.search import Search
from rainbow_exchange.ews.errors import EwsAuthenticationError


def test_coming_back_is_noticed_for_the_same_address_only() -> None:
    search = Search()
    search.see("https://a.test/1", "ann@a.test")
    assert search.objection("https://a.test/1", "ann@a.test") == "which was asked already"
    assert search.objection("https://a.test/1", "bob@a.test") is None
    assert search.objection("https://a.test/1", "bob@a.test") == "which was asked already"


def test_ten_redirects_are_followed() -> None:
    search = Search()
    said = [search.objection(f"https://a.test/{number}", "ann@a.test") for number in range(11)]
    assert said == [None] * 10 + ["which is one redirect too many: 10 were followed already"]


def test_two_refusals_end_it() -> None:
    search = Search()
    search.refuse("a.test", EwsAuthenticationError(401))
    assert not search.exhausted
    search.refuse("b.test", EwsAuthenticationError(401))
    assert search.exhausted


def test_a_blocked_host_is_named_once_with_every_place_that_leads_there() -> None:
    search = Search()
    search.block("https://a.test/1", "b.test", "redirects to")
    search.block("https://a.test/2", "b.test", "redirects to")
    assert search.blocked_hosts == ["b.test"]
    assert [str(attempt) for attempt in search.attempts] == [
        "https://a.test/1: redirects to the host b.test, which is not allowed",
        "https://a.test/2: redirects to the host b.test, which is not allowed",
    ]
