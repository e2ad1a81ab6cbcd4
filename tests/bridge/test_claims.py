"""Claims to mailboxes: the strongest has it, of two equals nobody."""

from hypothesis import given
from hypothesis import strategies as st

from rainbow_exchange.bridge.claims import SHARED, TAKEN, Claims

INFO = "info@acme.test"


def test_a_claim_without_rival_wins() -> None:
    claims = Claims()
    claims.make(INFO, "ann", 0)
    assert claims.verdict(INFO, "ann", 0) == ""


def test_the_stronger_claim_wins_and_of_two_equals_neither() -> None:
    claims = Claims()
    claims.make(INFO, "ann", 0)
    assert claims.verdict(INFO, "bob", 1) == ""
    assert claims.verdict(INFO, "bob", 0) == SHARED
    claims.make(INFO, "bob", 1)
    assert claims.verdict(INFO, "ann", 0) == TAKEN


def test_a_claim_taken_back_makes_the_other_one_win() -> None:
    claims = Claims()
    for name in ("ann", "bob"):
        claims.make(INFO, name, 0)
    assert claims.withdraw("ann") == {"bob"}
    assert claims.withdraw("ann") == set()
    assert claims.withdraw("bob") == set()


def test_one_mailbox_may_be_kept_while_the_rest_is_taken_back() -> None:
    claims = Claims()
    claims.make(INFO, "ann", 0)
    claims.make("desk@acme.test", "ann", 0)
    claims.make("desk@acme.test", "bob", 0)
    assert claims.withdraw("ann", but=INFO) == {"bob"}
    assert claims.verdict(INFO, "bob", 0) == SHARED
    assert claims.withdraw("ann") == set()
    assert claims.verdict(INFO, "bob", 0) == ""


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)), st.sampled_from("abcd"))
def test_winners_are_those_whose_claims_win(strengths: dict[str, int], gone: str) -> None:
    claims = Claims()
    for name, strength in strengths.items():
        claims.make(INFO, name, strength)
    winners = claims.withdraw(gone)
    if gone in strengths:
        del strengths[gone]
        assert winners == {name for name, each in strengths.items() if claims.verdict(INFO, name, each) == ""}
    else:
        assert winners == set()
