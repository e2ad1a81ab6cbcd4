import pytest

from rainbow_exchange.ews.auth import BasicAuth, BearerAuth, Challenge, Leg
from rainbow_exchange.ews.errors import Tried


def test_basic_sends_the_credentials_in_utf8_and_has_no_second_try() -> None:
    flow = BasicAuth("svc", "pâss:word").flow()
    assert next(flow) == Leg(authorization="Basic c3ZjOnDDonNzOndvcmQ=")
    with pytest.raises(StopIteration) as ended:
        flow.send(Challenge(status=401, www_authenticate=("Basic realm=x",)))
    assert ended.value.value == Tried(scheme="Basic", stage="proof")


def test_basic_refuses_a_user_name_that_it_cannot_carry() -> None:
    with pytest.raises(ValueError, match="colon"):
        BasicAuth("acme:svc", "x")


def test_no_representation_shows_a_secret() -> None:
    shown = repr(next(BasicAuth("svc", "secret").flow())) + repr(Challenge(status=401, www_authenticate=("NTLM TlRM",)))
    assert "Basic" not in shown
    assert "TlRM" not in shown


def test_bearer_asks_for_a_newer_token_once() -> None:
    flow = BearerAuth().flow()
    assert next(flow) == Leg(bearer="current")
    assert flow.send(Challenge(status=401, www_authenticate=("Bearer",))) == Leg(bearer="newer")
    with pytest.raises(StopIteration) as ended:
        flow.send(Challenge(status=401, www_authenticate=("Bearer",)))
    assert ended.value.value == Tried(scheme="Bearer", stage="proof", password=False)
