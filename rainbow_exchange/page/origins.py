"""Where a value comes from, in a sentence for the administrator."""

import re

from rainbow_exchange import own_keyring
from rainbow_exchange.diagnosis.set_up_fields import Field
from rainbow_exchange.sides.combined import RAINBOW
from rainbow_exchange.words import Said, _

#: how an origin is written → the sentence for it; the first that fits counts
_SENTENCES = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (rf"{RAINBOW} \((?P<path>.*)\)", _("Given by Rainbow's administration ({path}).")),
        (r"page of (?P<day>\S+)", _("Entered on this page on {day}.")),
        (r"setup of (?P<day>\S+)", _("Entered by rainbow-exchange setup on {day}.")),
        (r"login of (?P<day>\S+)", _("Made by the sign-in to Rainbow on {day}.")),
        (r"keyring", _("Kept in the keyring of {account}.")),
        (r"variable (?P<variable>\S+)", _("Given by the environment, as {variable}: change it there.")),
        (r"command line", _("Given at the command line that started the connector: change it there.")),
        (r"systemd credential", _("Handed over by systemd: change it there.")),
    )
)
_FILE, _OWN_FILE = _("Given by the file {file}: change it there."), _("Kept in the file {file}.")


def origin_of(field: Field) -> str:
    """Say where a value comes from, "" where nobody has given it."""
    return said_origin(field.origin, fixed=field.fixed) if field.is_set else ""


def said_origin(origin: str, *, fixed: bool) -> str:
    """Say an origin, "" for the default; `fixed`: it is not kept from here."""
    if origin == "default":
        return ""
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(origin):
            return Said(sentence.template, {"account": own_keyring.whose()} | found.groupdict())
    return Said((_FILE if fixed else _OWN_FILE).template, {"file": origin})
