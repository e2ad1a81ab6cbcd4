"""Taking back at Rainbow what a sign-in has made there; command and page share it.

Only a connector that this installation made is deleted, by the id that it noted then.
"""

from rainbow_exchange.rainbow import connectors
from rainbow_exchange.sign_up.administrator import Administrator, Refusal, Steps
from rainbow_exchange.sign_up.keeping import Keeper
from rainbow_exchange.state.connector import OurConnector
from rainbow_exchange.words import _


def is_to_delete(ours: OurConnector | None, steps: Steps) -> bool:
    """Whether there is something to delete at Rainbow; what is not ours to delete is told."""
    if ours is None:
        return False
    if not ours.id:
        steps.done(
            _(
                "An activation was asked for whose answer was lost; if it left a connector at Rainbow, the next sign-in"
                " explains it"
            )
        )
        return False
    if not ours.created:
        text = _("The connector {login} ({id}) was there before it was taken over: it stays at Rainbow", **_named(ours))
        steps.done(text)
        return False
    return True


async def by_itself(ours: OurConnector, keeper: Keeper, steps: Steps) -> str:
    """Have the connector delete itself; say why it did not, "" when it did."""
    steps.begin(_("Deleting the connector {login} at Rainbow", login=ours.login))
    if refused := await keeper.delete():
        steps.done(_("It could not do so itself ({why}); it takes an administrator", why=refused))
        return refused
    steps.done(_("Deleted the connector {login} at Rainbow", login=ours.login))
    return ""


async def by_administrator(ours: OurConnector, administrator: Administrator) -> None:
    """Have an administrator delete it. Raises Refusal and UserError."""
    await administrator.see_sso()
    async with administrator.session() as session:
        await administrator.sign_in(session)
        administrator.steps.begin(_("Deleting the connector {login} at Rainbow", login=ours.login))
        await administrator.ask("delete", lambda: connectors.delete(session, ours.id))
    administrator.steps.done(_("Deleted the connector {login} at Rainbow", login=ours.login))


def not_by_itself(ours: OurConnector, why: str) -> Refusal:
    """Give the refusal where nobody else can be asked at once."""
    text = _("The connector {login} ({id}) could not delete itself at Rainbow: {why}.", **_named(ours), why=why)
    action = _("Have an administrator do it, or forget it on this machine only.")
    return Refusal("refused", text, action, offers=("administrator", "here-only"))


def left_there(ours: OurConnector) -> str:
    """Say what stays at Rainbow where it is forgotten on this machine only."""
    return _("The connector {login} ({id}) is still at Rainbow; an administrator can remove it there.", **_named(ours))


def _named(ours: OurConnector) -> dict[str, str]:
    return {"login": ours.login, "id": ours.id}
