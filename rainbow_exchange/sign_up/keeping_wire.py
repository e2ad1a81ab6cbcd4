"""A keeper at the other end of the local API: the command asks, the daemon keeps (`docs/reference/status.md`).

What is asked and answered is JSON; secrets go to the daemon and never come back.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from rainbow_exchange.errors import UserError
from rainbow_exchange.sign_up.keeping import Found, Keeper, Trial, Wanted
from rainbow_exchange.state.connector import OurConnector
from rainbow_exchange.words import _

PATH = "/api/login"
_OTHER_VERSION = _("The daemon is of another version than this command; use the command of its version.")


async def answer(keeper: Keeper, body: object) -> dict[str, Any]:
    """Have `keeper` do what was asked. Raises ValueError for what is not understood."""
    if not isinstance(body, dict):
        raise ValueError("not an object")  # noqa: TRY004  (of the JSON, which is one kind of fault)
    try:
        return {"answer": await _do(keeper, body)}
    except UserError as error:
        return {"problems": list(error.problems)}


async def _do(keeper: Keeper, body: Mapping[str, Any]) -> Any:  # noqa: PLR0911  (one way out for each)
    match body.get("do"):
        case "look":
            found = await keeper.look()
            return asdict(found) | {"connector": found.connector and found.connector.as_json()}
        case "try_out":
            return await keeper.try_out(_wanted(body))
        case "note":
            return await keeper.note(_made(body))
        case "keep":
            return await keeper.keep(_wanted(body), _made(body))
        case "put_back":
            return await keeper.put_back()
        case "works":
            return asdict(await keeper.works())
        case "delete":
            return await keeper.delete()
        case "use":
            return await keeper.use()
        case "forget":
            return await keeper.forget()
        case _:
            raise ValueError("nothing that can be done")


def _wanted(body: Mapping[str, Any]) -> Wanted:
    values, secrets = body.get("values"), body.get("secrets")
    for texts in (values, secrets):
        if not isinstance(texts, dict) or not all(isinstance(each, str | None) for each in texts.values()):
            raise ValueError("no texts by key")
    return Wanted(values=dict(values or {}), secrets=dict(secrets or {}))


def _made(body: Mapping[str, Any]) -> OurConnector | None:
    made = OurConnector.from_json(body.get("made"))
    if made is None and body.get("made") is not None:
        raise ValueError("no connector")
    return made


class DistantKeeper:
    """Has the daemon keep it; `send` takes what is asked and gives the daemon's answer."""

    def __init__(self, send: Callable[[Mapping[str, Any]], Awaitable[Any]]) -> None:
        self._send = send

    async def _ask(self, do: str, **more: Any) -> Any:
        answered = await self._send({"do": do} | more)
        if not isinstance(answered, dict):
            raise UserError([_OTHER_VERSION])
        if problems := answered.get("problems"):
            raise UserError([str(problem) for problem in problems])
        return answered.get("answer")

    async def look(self) -> Found:
        """Tell what is there."""
        found = await self._ask("look")
        try:
            return Found(
                connector=OurConnector.from_json(found["connector"]),
                settings={str(name): str(value) for name, value in found["settings"].items()},
                secrets=tuple(str(key) for key in found["secrets"]),
                by_login=found["by_login"] is True,
                whose=str(found["whose"]),
            )
        except (AttributeError, KeyError, TypeError):
            raise UserError([_OTHER_VERSION]) from None

    async def try_out(self, wanted: Wanted) -> None:
        """Raise UserError with everything that would keep `wanted` from being kept or from having an effect."""
        await self._ask("try_out", **asdict(wanted))

    async def note(self, made: OurConnector | None) -> None:
        """Keep what is about to be made at Rainbow, or None: there is nothing."""
        await self._ask("note", made=made and made.as_json())

    async def keep(self, wanted: Wanted, made: OurConnector | None) -> str:
        """Keep it, without using it yet; say where the secrets are now."""
        return str(await self._ask("keep", **asdict(wanted), made=made and made.as_json()))

    async def put_back(self) -> None:
        """Have it again as it was before the last `keep`."""
        await self._ask("put_back")

    async def works(self) -> Trial:
        """Try what is kept, as the connector would."""
        trial = await self._ask("works")
        if not isinstance(trial, dict):
            raise UserError([_OTHER_VERSION])
        return Trial(wrong=str(trial.get("wrong")), sure=trial.get("sure") is True)

    async def delete(self) -> str:
        """Delete the connector that was made here, in its own name; say why that was not done, "" when it was."""
        return str(await self._ask("delete"))

    async def use(self) -> str:
        """Use what was kept from now on; say what that needs, "" for nothing."""
        return str(await self._ask("use"))

    async def forget(self) -> None:
        """Remove all that `login` has left here."""
        await self._ask("forget")
