import pytest

from rainbow_exchange.network.proxy import Proxy
from rainbow_exchange.rainbow.errors import RainbowApiError, UnexpectedAnswer
from rainbow_exchange.rainbow.pasted_token import PastedToken
from tests.rainbow.conftest import LOGGED_IN, Cloud, fault, jwt, now, reply

TOKEN = jwt(user={"id": "5f0000000000000000000001", "loginEmail": "admin@acme.test"}, exp=1_767_700_000)
OWN = "enduser/v1.0/users/5f0000000000000000000001"


def pasted(cloud: Cloud, token: str) -> PastedToken:
    return PastedToken(url=cloud.url, token=token, app_id="app1", proxy=Proxy(), now=now, random=lambda: 0.0)


@pytest.mark.parametrize("written", [TOKEN, f"  Bearer {TOKEN}\n"])
async def test_it_is_sent_as_it_is_and_its_owner_found(cloud: Cloud, written: str) -> None:
    cloud.on(OWN, lambda _: reply({"data": LOGGED_IN | {"adminType": "company_admin", "companyName": "Acme"}}))

    async with pasted(cloud, written) as token:
        account = await token.login()

    assert (account.user_id, account.company_id) == ("5f0000000000000000000001", "5f00000000000000000000c1")
    assert (account.login, account.admin_type, account.company_name) == (
        "connector@acme.test",
        "company_admin",
        "Acme",
    )
    assert account.roles == ("user", "admin")
    assert [seen.headers["Authorization"] for seen in cloud.requests] == [f"Bearer {TOKEN}"]
    assert cloud.logins == 0


async def test_its_owner_may_come_without_an_envelope(cloud: Cloud) -> None:
    cloud.on(OWN, lambda _: reply(LOGGED_IN))

    async with pasted(cloud, TOKEN) as token:
        assert (await token.login()).user_id == "5f0000000000000000000001"


async def test_an_expired_one_is_told(cloud: Cloud) -> None:
    cloud.on(OWN, lambda _: fault(401, 401000, "Unauthorized", "jwt expired"))

    async with pasted(cloud, TOKEN) as token:
        with pytest.raises(RainbowApiError) as caught:
            await token.login()

    assert caught.value.token_expired


@pytest.mark.parametrize("claims", [{}, {"user": {"id": "../admin"}}, {"user": "5f"}])
async def test_one_that_does_not_say_whose_it_is_is_refused(cloud: Cloud, claims: dict[str, object]) -> None:
    async with pasted(cloud, jwt(**claims)) as token:
        with pytest.raises(UnexpectedAnswer, match="whose it is"):
            await token.login()

    assert cloud.requests == []


@pytest.mark.parametrize("text", ["", "Bearer two words", "two words", "line\nbreak"])
async def test_what_no_header_can_carry_is_refused(cloud: Cloud, text: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        pasted(cloud, text)
