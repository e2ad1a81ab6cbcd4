"""Who is signed in: a user's own record, as a login and `enduser/v1.0/users/<id>` give it (pure)."""

from rainbow_exchange.rainbow.errors import UnexpectedAnswer
from rainbow_exchange.rainbow.types import Account
from rainbow_exchange.rainbow.users import text
from rainbow_exchange.words import _


def read_account(user: object) -> Account:
    """Read it. Raises UnexpectedAnswer where it does not say who that is, or of which company."""
    if not isinstance(user, dict):
        raise UnexpectedAnswer(_("the login answer does not say who is signed in"))
    id_, company = text(user.get("id")), text(user.get("companyId"))
    if id_ is None or company is None:
        raise UnexpectedAnswer(_("the login answer does not say who is signed in, or of which company"))
    roles = user.get("roles")
    return Account(
        user_id=id_,
        company_id=company,
        jid=text(user.get("jid_im")) or "",
        jid_password=text(user.get("jid_password")) or "",
        roles=tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else (),
        login=text(user.get("loginEmail")) or "",
        company_name=text(user.get("companyName")) or "",
        admin_type=text(user.get("adminType")) or "",
    )
