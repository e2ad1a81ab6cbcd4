from rainbow_exchange.ews.auth import BasicAuth, Challenge, Leg
from rainbow_exchange.ews.discovery.ask_first import AskFirst


def challenge(status: int) -> Challenge:
    return Challenge(status=status, www_authenticate=("Basic",))


def test_nothing_is_said_before_somebody_asks() -> None:
    flow = AskFirst(BasicAuth("ada", "secret")).flow()
    assert next(flow) == Leg(with_body=False)
    assert flow.send(challenge(401)) == Leg(authorization="Basic YWRhOnNlY3JldA==")


def test_a_server_that_does_not_ask_gets_the_request_alone() -> None:
    flow = AskFirst(BasicAuth("ada", "secret")).flow()
    next(flow)
    assert flow.send(challenge(200)) == Leg()


def test_it_is_as_bound_as_the_scheme() -> None:
    scheme = AskFirst(BasicAuth("ada", "secret"))
    assert (scheme.connection_bound, scheme.blocks) == (False, False)
