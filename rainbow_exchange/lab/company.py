"""The people of the lab: made up (`make_company`) or read from a users file (`read_users_file`)."""

import unicodedata
from collections import Counter
from functools import cache
from random import Random

from rainbow_exchange.lab.names import FIRST_NAMES, LAST_NAMES
from rainbow_exchange.lab.user import COMPANY_ID, COMPANY_NAME, XMPP_DOMAIN, LabUser, MailboxOf, jid_of, made_id
from rainbow_exchange.lab.users_file import read_users_file

__all__ = [
    "COMPANY_ID",
    "COMPANY_NAME",
    "DOMAIN",
    "XMPP_DOMAIN",
    "LabUser",
    "MailboxOf",
    "make_company",
    "read_users_file",
]

DOMAIN = "acme.test"


def make_company(n: int, seed: int = 1, *, plain: bool = False) -> list[LabUser]:
    """Make up `n` users of acme.test, the same for the same arguments.

    Names are French and sometimes bear an emoji; addresses are plain ASCII. Every tenth user has each of: a login that
    is an alias of the mailbox, a login outside of Exchange (reachable by the work address only), a login that is the
    primary address while work is the alias, a private address, and an external UID that is the mailbox's UPN. Not if
    `plain`: there everybody's login is the mailbox's only address.
    """
    random = Random(seed)
    namesakes: Counter[str] = Counter()
    return [_made_up(index, random, namesakes, plain=plain) for index in range(n)]


def _made_up(index: int, random: Random, namesakes: Counter[str], *, plain: bool) -> LabUser:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    local = f"{ascii_part(first)}.{ascii_part(last)}"
    namesakes[local] += 1
    if namesakes[local] > 1:
        local += str(namesakes[local])
    short = f"{ascii_part(first)[0]}.{local.partition('.')[2]}.{index}"
    primary = f"{local}@{DOMAIN}"
    login, work, uid, mailbox = primary, primary, None, MailboxOf(address=primary)
    private: tuple[tuple[str, str], ...] = ()
    match 0 if plain else index % 10:
        case 1:
            login, mailbox = f"{short}@{DOMAIN}", MailboxOf(address=primary, aliases=(f"{short}@{DOMAIN}",))
        case 3:
            login = f"{local}@rainbow-login.test"
        case 5:
            work, mailbox = f"{short}@{DOMAIN}", MailboxOf(address=primary, aliases=(f"{short}@{DOMAIN}",))
        case 7:
            private = ((f"{local}@maison.test", "home"),)
        case 8:
            uid = f"u{index:06d}@corp.{DOMAIN}"
            mailbox = MailboxOf(address=primary, upn=uid)
    user_id = made_id("user", primary)
    jid, jid_password = jid_of(user_id)
    shown = first if random.random() < 0.9 else f"{first} {random.choice('🌻🚲☕🎷⛰️')}"  # noqa: PLR2004  (one in ten)
    return LabUser(
        id=user_id,
        login_email=login,
        first_name=shown,
        last_name=last,
        display_name=f"{shown} {last}",
        emails=((work, "work"), *private),
        external_uid=uid,
        jid=jid,
        jid_password=jid_password,
        language=random.choice(("fr", "fr", "en")),
        mailbox=mailbox,
    )


@cache
def ascii_part(name: str) -> str:
    """Return a name as it stands in an address: lower case, no accents, only letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "OE")).encode("ascii", "ignore").decode()
    kept = "".join(c if c.isalnum() else "-" for c in plain.lower())
    return "-".join(part for part in kept.split("-") if part) or "x"
