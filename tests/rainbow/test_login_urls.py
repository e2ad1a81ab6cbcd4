from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.errors import RainbowConnectionError
from rainbow_exchange.rainbow.login_urls import SignInWays, read_ways, sign_in_ways
from rainbow_exchange.rainbow.transport import Transport
from tests.rainbow.conftest import Cloud, fault, now, reply

URLS = "authentication/v1.0/urls"


@pytest_asyncio.fixture
async def transport(cloud: Cloud) -> AsyncIterator[Transport]:
    made = Transport(
        url=cloud.url,
        headers={},
        ssl=None,
        proxy=Proxy(),
        now=now,
        random=lambda: 0.0,
        timeout=5,
        max_bytes=100_000,
    )
    async with made:
        yield made


async def test_it_is_asked_for_the_login_without_any_sign_in(cloud: Cloud, transport: Transport) -> None:
    cloud.on(URLS, lambda _: reply({"data": [{"type": "OIDC", "loginUrl": "https://idp.acme.test"}]}))

    assert await sign_in_ways(transport, "admin+1@acme.test") == SignInWays(sso=("OIDC",), password=False)
    (seen,) = cloud.asked(URLS)
    assert seen.query == {"useBackchannelPolling": "false", "uid": "admin+1@acme.test"}
    assert "Authorization" not in seen.headers


async def test_a_rainbow_that_does_not_tell_leaves_the_password(cloud: Cloud, transport: Transport) -> None:
    cloud.on(URLS, lambda _: fault(404, 404000, "Not found"))

    assert await sign_in_ways(transport, "admin@acme.test") == SignInWays()


async def test_a_rainbow_that_cannot_be_reached_is_an_error(cloud: Cloud, transport: Transport) -> None:
    cloud.on(URLS, lambda _: reply({}, 502))

    with pytest.raises(RainbowConnectionError, match="http-502"):
        await sign_in_ways(transport, "admin@acme.test")


@pytest.mark.parametrize(
    ("answer", "sso", "only"),
    [
        ({"data": []}, (), False),
        ([], (), False),
        ({"data": [{"type": "RAINBOW"}]}, (), False),
        ({"data": [{"type": "saml"}, {"type": "OIDC"}, {"type": "OIDC"}]}, ("SAML", "OIDC"), True),
        ({"data": [{"type": "OIDC"}, {"type": "RAINBOW"}]}, ("OIDC",), False),
        ({"data": {"type": "SAML"}}, ("SAML",), True),
        ({"type": "OIDC", "loginUrl": "https://idp.acme.test"}, ("OIDC",), True),
        ({"data": [None, {"type": 1}]}, (), False),
    ],
)
def test_entries_of_single_sign_on(answer: object, sso: tuple[str, ...], only: bool) -> None:
    ways = read_ways(answer)

    assert (ways.sso, ways.only_sso) == (sso, only)
