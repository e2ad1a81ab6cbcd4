"""How a command of Rainbow's administration ended, as the portal for mass provisioning takes it.

Documented by Rainbow's SDK (AdminService.updateCommandIdStatus): `status` is `success` or `failure`, `details` a text.
That Rainbow then tells whoever sent the command (`command_ended`) is what the SDK says of its sibling calls.
"""

from urllib.parse import quote

from rainbow_exchange.rainbow.client import RainbowClient

_PATH = "/api/rainbow/massprovisioning/v1.0/users/imports/synchronize/{}/report"


async def report_command(client: RainbowClient, command_id: str, *, succeeded: bool, details: str) -> None:
    """Report the end of a command; tried once, the caller repeats. Raises RainbowError.

    An id that would be another path is not reported at all.
    """
    if command_id in ("", ".", ".."):
        return
    body = {"status": "success" if succeeded else "failure", "details": details}
    path = _PATH.format(quote(command_id, safe=""))
    await client.call("command_report", "POST", path, body=body, repeatable=True, reads=False)
