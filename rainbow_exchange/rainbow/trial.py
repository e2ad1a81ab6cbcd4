"""Whether an account can do what the connector does first: sign in, and list the users of its company."""

from rainbow_exchange.rainbow.client import RainbowClient
from rainbow_exchange.rainbow.types import Account

_USERS = "/api/rainbow/admin/v1.0/users"


async def try_account(client: RainbowClient) -> Account:
    """Sign in and ask for one user. Raises RainbowError; RainbowApiError 403 where users may not be listed."""
    account = await client.login()
    query = {"companyId": client.company_id or account.company_id, "format": "small", "limit": "1", "offset": "0"}
    await client.call("try_users", "GET", _USERS, query=query)
    return account
