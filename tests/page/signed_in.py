"""A machine that is signed in to Rainbow and on which Exchange is not set up yet."""

import asyncio
from dataclasses import replace

from rainbow_exchange.config import Settings
from rainbow_exchange.credentials import Secrets
from tests.page.formfiller import FormFiller
from tests.page.test_set_up_rainbow import OnRealTime


class SignedIn(OnRealTime):
    """One that is signed in to Rainbow, and knows nothing of Exchange but what `own` has."""

    def read(self) -> tuple[Settings, Secrets]:
        before, rainbow = self.own, self.rainbow
        self.own += f"\n[rainbow]\nurl = '{rainbow.url}'\nlogin = '{rainbow.login}'\napp_id = '{rainbow.app_id}'\n"
        try:
            settings, secrets = super().read()
        finally:
            self.own = before
        return settings, replace(secrets, rainbow_password=rainbow.password, rainbow_app_secret=rainbow.app_secret)

    async def tested(self, page: FormFiller, part: str) -> str:
        """Wait until the test that this element shows is over; give what it says."""

        async def over() -> bool:
            return "Stop the test" not in (await page.go("/set-up")).text(part)

        for _ in range(200):
            if await over():
                return page.text(part)
            await asyncio.sleep(0.1)
        raise AssertionError(f"no end of {page.text(part)}")

    def exchange_typed(self, **changes: str) -> dict[str, str]:
        typed = {
            "exchange_url": self.exchange.url,
            "exchange_username": "svc-rainbow",
            "exchange_password": "Exchange#1",
            "exchange_proxy_url": "",
            "mailbox": self.people[0].login_email,
        }
        return typed | changes
