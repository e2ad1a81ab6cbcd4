"""Whatever is set here and entered in Rainbow: no secret of this machine for a host that only Rainbow names."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_exchange.config import ExchangeSettings, Settings
from rainbow_exchange.config import accounts as config_accounts
from rainbow_exchange.config.accounts import accounts
from rainbow_exchange.credentials import Secrets
from rainbow_exchange.rainbow.entered import Entered, Value
from rainbow_exchange.sides.combined import combine

HERE = {
    "url": "https://here.acme.test/EWS/Exchange.asmx",
    "autodiscover_url": "https://ad.acme.test/autodiscover/autodiscover.svc",
    "username": "ours",
    "client_id": "ours",
    "token_url": "https://adfs.acme.test/adfs/oauth2/token",
    "fallback_username": "ours",
    "auth": "negotiate",
    "allowed_hosts": ("there.acme.test",),
}
SECRETS = ("password", "client_secret", "fallback_password")
THERE = {
    "url": "https://there.acme.test/EWS/Exchange.asmx",
    "username": "theirs@there.test",
    "password": "their-secret",
    "client_id": "theirs",
    "client_secret": "their-secret",
}


@settings(max_examples=400, deadline=None)
@given(
    here=st.sets(st.sampled_from(sorted(HERE))),
    secrets=st.sets(st.sampled_from(SECRETS)),
    there=st.sets(st.sampled_from(sorted(THERE))),
    by_system=st.booleans(),
)
def test_no_secret_of_this_machine_goes_where_only_rainbow_leads(
    here: set[str], secrets: set[str], there: set[str], *, by_system: bool
) -> None:
    values: dict[str, Any] = {name: HERE[name] for name in here}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(config_accounts, "by_system", lambda: by_system)
        found = combine(
            Settings(exchange=ExchangeSettings(**values)),
            Secrets(**{f"exchange_{name}": "our-secret" for name in secrets}),
            Entered(was_read=True, values={name: Value(THERE[name], name) for name in there}),
        )
        signing_in = accounts(found.settings.exchange, found.secrets)
    exchange = found.settings.exchange
    theirs = {account.username or account.client_id for account in signing_in} & {"theirs", "theirs@there.test"}
    told = [account.password or account.client_secret for account in signing_in]
    if exchange.url == THERE["url"] and "allowed_hosts" not in here and not found.unconfirmed:
        assert all(secret == "their-secret" for secret in told)
        assert all(account.kind != "ticket" for account in signing_in)
    if exchange.url is None and exchange.autodiscover_url is None and theirs:
        assert all(secret == "their-secret" for secret in told)  # autodiscover may follow the domain of their name
    if {"url", "autodiscover_url"} & here:
        assert exchange.url != THERE["url"]
