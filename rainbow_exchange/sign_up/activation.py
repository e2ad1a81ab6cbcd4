"""Setting this machine up at Rainbow: find or make the company's connector user, and keep its credentials.

`Activation.run` has the steps in their order; command and page share them. What is about to be made is noted before it
is made, and what was made is kept before it is tried: wherever this ends, the next time goes on from there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from rainbow_exchange.bridge.login_causes import INSTEAD, refused, until
from rainbow_exchange.config import RAINBOW_URL
from rainbow_exchange.errors import RainbowExchangeError
from rainbow_exchange.rainbow import connectors
from rainbow_exchange.rainbow.connectors import Activated, ConnectorUser
from rainbow_exchange.rainbow.errors import RainbowApiError, RainbowAuthenticationError, RainbowError, RateLimited
from rainbow_exchange.rainbow.trial import try_account
from rainbow_exchange.rainbow.types import Account
from rainbow_exchange.sign_up.administrator import Administrator, Done, Refusal, Session
from rainbow_exchange.sign_up.keeping import SECRETS, Found, Keeper, Trial, Wanted
from rainbow_exchange.sign_up.lost import left_by
from rainbow_exchange.state.connector import OurConnector
from rainbow_exchange.words import _, sentences

T = TypeVar("T")

_FORBIDDEN = 403
#: a user that was made this moment may not be known everywhere at Rainbow yet
_NEW_USER_AGAIN_AFTER = 3.0
_AS_ACCOUNT = _("Without harm to it, the connector can run as an administrator's account itself, which needs none.")
TAKE_OVER = _(
    "Nothing is deleted, neither that connector nor its configuration; one call is made, connectors/ldaps/activate."
    " Rainbow does not publish what that does where there is a connector: it may refuse, add a second one, or give the"
    " existing one a new password. In the last case the AD/LDAP connector is cut off, and the directory is not"
    " synchronised, until an administrator signs in at it anew."
)
_LEFT = _("It was left alone.")


class Activation:
    """One sign-in. `run` raises Refusal and UserError, which say the next step, and what else the keeper raises.

    `ends_within`: seconds for what is not to be cut in the middle once this is cancelled. `may_make` is asked before a
    connector is made in a company, where nobody has agreed to more than to sign in.
    """

    def __init__(
        self,
        administrator: Administrator,
        keeper: Keeper,
        *,
        ends_within: float | None = None,
        may_make: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        self._ends_within = ends_within
        self._may_make = may_make
        self._administrator = administrator
        self._order = administrator.order
        self._steps = administrator.steps
        self._keeper = keeper

    async def run(self) -> Done:
        """Go through all steps."""
        order, administrator = self._order, self._administrator
        found = await self._keeper.look()
        await self._keeper.try_out(
            self._wanted(login=order.login if order.as_account else None, password=order.password)
        )
        await administrator.see_sso()
        async with administrator.session() as session:
            account = await administrator.sign_in(session)
            company = await administrator.company(session, account)
            if order.as_account:
                return await self._run_as_account(session, company, found.connector)
            listed = await administrator.ask("list", lambda: connectors.list_connectors(session, company))
            done, listed = await self._go_on(session, company, found, listed)
            if done is not None:
                return done
            listed = await self._leave_alone(session, found.connector, listed)
            if self._may_make is not None and not await self._may_make(administrator.company_name or company):
                raise Refusal("left alone", _("Nothing was made at Rainbow."), _("Sign in again to grant access."))
            made, activated, kept = await administrator.ask(
                "activate", lambda: _to_its_end(self._make(session, company, listed), self._ends_within)
            )
            return await self._prove(session, made, activated, kept)

    # -- what exists -----------------------------------------------------------------------------------------------

    async def _go_on(
        self, session: Session, company: str, found: Found, listed: list[ConnectorUser]
    ) -> tuple[Done | None, list[ConnectorUser]]:
        """Go on with the connector that an earlier login made; one that cannot be used is removed, for it is ours."""
        ours = found.connector
        if ours is None:
            return None, listed
        if (ours.url, ours.company_id) != (self._order.url, company):
            raise Refusal(
                "left alone",
                _(
                    "This installation has a connector of company {company} at {url} already ({id}).",
                    company=ours.company_id,
                    url=ours.url,
                    id=ours.id or _("asked for, not answered"),
                ),
                _("Take that one back first."),
                offers=("log-out",),
            )
        if not ours.id:
            return None, listed
        if ours.id not in {each.id for each in listed}:
            self._steps.done(_("The connector that was made here ({id}) is not at Rainbow any more", id=ours.id))
            await self._keeper.note(None)
            return None, listed
        self._steps.begin(_("Trying the connector that was made here"))
        trial = Trial(wrong=_("its credentials are not kept here any more"))
        if found.by_login and set(SECRETS) <= set(found.secrets):
            trial = await self._keeper.works()
        wrong = trial.wrong
        if wrong and not trial.sure:
            raise Refusal(
                "refused",
                _(
                    "Whether the connector that was made here ({id}) works could not be tried: {wrong}.",
                    id=ours.id,
                    wrong=wrong,
                ),
                _("Nothing was changed. Try this again once Rainbow answers."),
            )
        if not wrong:
            self._steps.done(_("The connector that was made here works: {login}", login=ours.login))
            return Done(
                login=ours.login, company_id=company, connector_id=ours.id, remark=await self._keeper.use()
            ), listed
        if not ours.created:
            raise Refusal(
                "left alone",
                _(
                    "The connector that this installation took over ({id}) cannot be used: {wrong}.",
                    id=ours.id,
                    wrong=wrong,
                ),
                _("It was there before, so that it is not removed: log out, then try this again."),
                offers=("log-out",),
            )
        self._steps.done(_("The connector that was made here cannot be used: {wrong}; it is made anew", wrong=wrong))
        await self._delete(session, ours.id)
        return None, [each for each in listed if each.id != ours.id]

    async def _leave_alone(
        self, session: Session, ours: OurConnector | None, listed: list[ConnectorUser]
    ) -> list[ConnectorUser]:
        """See to it that nobody else's connector is harmed without leave."""
        if not listed:
            return listed
        lost = left_by(ours, listed, self._administrator.now())
        if ours is not None and lost is not None:
            await self._remove_lost(session, ours, lost)
            return await self._leave_alone(session, None, [each for each in listed if each.id != lost.id])
        shown = ", ".join(f"{each.name or 'connector'} {each.login} ({each.id})" for each in listed)
        text = _("The company has a connector that was not made here: {shown}.", shown=shown)
        if not self._order.take_over:
            raise Refusal(
                "left alone",
                sentences(
                    text,
                    _(
                        "It may be the one that keeps the company's directory (AD/LDAP) in step, or another"
                        " installation of this program; it was left alone."
                    ),
                ),
                sentences(_AS_ACCOUNT, _("Or one is asked for all the same."), TAKE_OVER),
                offers=("as-account", "take-over"),
            )
        if not await self._steps.confirm(sentences(text, TAKE_OVER, _("Ask for a connector all the same?"))):
            raise Refusal(
                "left alone",
                sentences(text, _LEFT),
                sentences(TAKE_OVER, _("That is to be confirmed first."), _AS_ACCOUNT),
                offers=("confirm", "as-account"),
            )
        return listed

    async def _remove_lost(self, session: Session, ours: OurConnector, lost: ConnectorUser) -> None:
        """Remove, with leave, what an activation has left whose answer never came: nobody knows its password."""
        text = _(
            "On {time} an activation was asked for from here, and its answer was lost. Since then the"
            " company has a connector that was not there before: {login} ({id}). That activation made it,"
            " unless somebody else has set one up meanwhile; its password was in the lost answer, so nobody can use"
            " it.",
            time=until(ours.asked_at),
            login=lost.login,
            id=lost.id,
        )
        question = sentences(text, _("Remove it and make another?"))
        if not await self._steps.confirm(question, by_yes=self._order.take_over):
            raise Refusal(
                "left alone",
                sentences(text, _LEFT),
                _(
                    "Its removal is to be confirmed first. If somebody else has made it, the connector can run as an"
                    " administrator's account itself."
                ),
                offers=("take-over", "confirm", "as-account"),
            )
        await self._delete(session, lost.id)
        self._steps.done(_("Removed what the lost activation had made ({id})", id=lost.id))

    async def _delete(self, session: Session, connector_id: str) -> None:
        await self._administrator.ask("delete", lambda: connectors.delete(session, connector_id))
        await self._keeper.note(None)

    # -- making one ------------------------------------------------------------------------------------------------

    async def _make(
        self, session: Session, company: str, listed: list[ConnectorUser]
    ) -> tuple[OurConnector, Activated, str]:
        """Ask for a connector once, and keep what comes at once. Raises RainbowError where it was not answered."""
        before = tuple(each.id for each in listed)
        now = self._administrator.now()
        asked = OurConnector(url=self._order.url, company_id=company, asked_at=now, before=before)
        await self._keeper.note(asked)
        self._steps.begin(_("Activating the connector at Rainbow"))
        try:
            activated = await connectors.activate(session, company)
        except (RainbowApiError, RateLimited):
            await self._keeper.note(None)  # refused for certain: nothing was made
            raise
        made = replace(asked, id=activated.id, login=activated.login, created=activated.id not in before)
        self._steps.done(_("Activated the connector {login}", login=activated.login))
        wanted = self._wanted(login=activated.login, password=activated.password, company=company)
        try:
            kept = await self._keeper.keep(wanted, made)
        except RainbowExchangeError as error:  # also a daemon that ended meanwhile, or a state that cannot be written
            undone = await self._undo(session, made)
            raise Refusal(
                "not kept",
                _("Its credentials could not be kept: {error}.", error=str(error).rstrip(".")),
                sentences(undone, _("Mend that, then try this again.")),
            ) from error
        self._steps.done(_("Kept its credentials: {where}", where=kept))
        return made, activated, kept

    async def _prove(self, session: Session, made: OurConnector, activated: Activated, kept: str) -> Done:
        """Sign in as the new user and see whether it may list users; what cannot serve is taken back."""
        self._steps.begin(_("Signing in as the connector"))
        try:
            account = await self._try(activated, made.company_id)
        except RainbowError as error:
            if isinstance(error, RainbowApiError) and error.status == _FORBIDDEN:
                return await self._without_rights(session, made, error)
            if not isinstance(error, RainbowApiError | RainbowAuthenticationError):
                return await self._untried(made, kept, error)
            why = refused("users", error, self._order.url, company_id=made.company_id)
            text = _("The new connector does not work: {why}", why=why.text)
            undone = await self._undo(session, made)
            raise Refusal(
                "refused", sentences(text, undone), sentences(why.action, INSTEAD), offers=("as-account",)
            ) from error
        self._steps.done(_("Signed in as the connector; it may list the users"))
        remarks = [await self._keeper.use()]
        if not account.jid:
            remarks.append(_("Rainbow named no XMPP account for it, so that no question can reach it."))
        if not made.created:
            remarks.append(
                _(
                    "Rainbow gave us the connector that was there before, with a new password: whatever ran as it must"
                    " be signed in anew, and logout will not remove it."
                )
            )
        return Done(
            login=made.login,
            company_id=made.company_id,
            connector_id=made.id,
            kept=kept,
            remark=sentences(*remarks),
        )

    async def _untried(self, made: OurConnector, kept: str, error: RainbowError) -> Done:
        """Use a connector that could not be tried for a reason that will pass: what runs as it tries again."""
        remark = sentences(
            _("It could not be tried yet ({error}); it is tried on.", error=error), await self._keeper.use()
        )
        return Done(login=made.login, company_id=made.company_id, connector_id=made.id, kept=kept, remark=remark)

    async def _try(self, activated: Activated, company: str) -> Account:
        try:
            return await self._try_once(activated, company)
        except RainbowApiError:
            raise
        except RainbowError:
            await asyncio.sleep(_NEW_USER_AGAIN_AFTER)
            return await self._try_once(activated, company)

    async def _try_once(self, activated: Activated, company: str) -> Account:
        async with self._administrator.client(activated.login, activated.password, company) as client:
            try:
                return await try_account(client)
            finally:
                await client.logout()

    async def _without_rights(self, session: Session, made: OurConnector, error: RainbowApiError) -> Done:
        """Offer the account itself where the new user may not list users: which rights it has is not published."""
        undone = await self._undo(session, made)
        text = _("The new connector may not list the users of the company: {error}.", error=error)
        action = _("Ask your Rainbow partner which rights a connector user has in this company.")
        refusal = Refusal("refused", sentences(text, undone), sentences(action, INSTEAD), offers=("as-account",))
        if self._order.password is None:
            raise refusal from error
        self._steps.done(sentences(text, undone))
        if not await self._steps.confirm(_("Run as {login} itself instead?", login=self._order.login)):
            raise refusal from error
        return await self._run_as_account(session, made.company_id, None)

    async def _undo(self, session: Session, made: OurConnector) -> str:
        """Have Rainbow and this machine as they were before; say what of that could not be."""
        remaining = ""
        try:
            await self._keeper.put_back()
        except RainbowExchangeError as error:
            remaining = _("What was kept before is not back: {error}.", error=error)
        if not made.created:
            return sentences(_("The connector that was there before is not removed."), remaining)
        try:
            await connectors.delete(session, made.id)
        except RainbowError as error:
            await self._note(made)
            return sentences(
                _("It could not be removed at Rainbow ({error}); logging out tries again.", error=error), remaining
            )
        await self._note(None)
        return sentences(_("It was removed at Rainbow again."), remaining)

    async def _note(self, made: OurConnector | None) -> None:
        """Note it if that can be done; the next login finds out by itself what is at Rainbow."""
        with suppress(RainbowExchangeError):
            await self._keeper.note(made)

    # -- without one -----------------------------------------------------------------------------------------------

    async def _run_as_account(self, session: Session, company: str, ours: OurConnector | None) -> Done:
        """Keep the administrator's own account; a connector that was made here is not needed any more."""
        order, administrator = self._order, self._administrator
        self._steps.begin(_("Listing the users"))
        async with administrator.client(order.login, order.password or "", company) as client:
            try:
                await administrator.ask("users", lambda: try_account(client))
            finally:
                await client.logout()
        self._steps.done(_("{login} may list the users", login=order.login))
        kept = await self._keeper.keep(self._wanted(login=order.login, password=order.password, company=company), ours)
        self._steps.done(_("Kept its credentials: {where}", where=kept))
        remark = await self._keeper.use()
        if ours is not None and ours.id and ours.created:
            await self._delete(session, ours.id)
            self._steps.done(
                _("Removed the connector that was made here ({id}): it is not needed any more", id=ours.id)
            )
        return Done(login=order.login, company_id=company, kept=kept, remark=remark)

    def _wanted(self, *, login: str | None, password: str | None, company: str | None = None) -> Wanted:
        """Say what is to be kept; without `login` it is what Rainbow will generate."""
        order = self._order
        values: dict[str, str | None] = {"rainbow.login": login, "rainbow.app_id": order.app_id}
        if company or order.company_id:
            values["rainbow.company_id"] = company or order.company_id
        if order.url != RAINBOW_URL:
            values["rainbow.url"] = order.url
        own = None if login is None else password
        return Wanted(values=values, secrets={"rainbow.password": own, "rainbow.app_secret": order.app_secret})


async def _to_its_end(work: Coroutine[Any, Any, T], within: float | None) -> T:
    """Do something that is not to be cut in the middle: an answer that nobody waits for would be lost, secret and all.

    Whoever is cancelled meanwhile is so once it has ended.
    """
    task = asyncio.create_task(work, name="login:activate")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            ended, _late = await asyncio.wait([task], timeout=within)
            if not ended:
                task.cancel()
                await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen, though nobody is left to be told
        raise
