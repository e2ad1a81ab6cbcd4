"""How to start a connector against this lab: the commands, with the lab's addresses in them. Pure."""

from rainbow_exchange.config.sources import variable
from rainbow_exchange.lab.serve import LabAddresses

#: a folder of its own, so that a connector on this machine is left alone
_STATE = "rainbow-exchange-lab"


def commands(lab: LabAddresses, *, windows: bool) -> str:
    """Give lines for a shell, or for PowerShell; "" where a side is missing."""
    if lab.exchange is None or lab.rainbow is None:
        return ""
    settings = {
        "exchange.url": lab.exchange.url,
        "exchange.username": lab.exchange.username,
        "exchange.password": lab.exchange.password,
        "exchange.ca_file": "" if lab.exchange.ca_file is None else str(lab.exchange.ca_file),
        "rainbow.url": lab.rainbow.url,
        "rainbow.login": lab.rainbow.login,
        "rainbow.password": lab.rainbow.password,
        "rainbow.app_id": lab.rainbow.app_id,
        "rainbow.app_secret": lab.rainbow.app_secret,
        "state.path": _STATE,
    }
    form = "$env:{} = '{}'" if windows else "export {}='{}'"
    lines = [form.format(variable(key), value) for key, value in settings.items() if value]
    return "\n".join([*lines, "rainbow-exchange run"])
