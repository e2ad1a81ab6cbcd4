"""What the command `secret` asks for, done where the secrets are: by the running daemon, or by this process.

Over the local page's wire it is JSON; a value goes to the daemon and never comes back (`docs/reference/commands.md`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import structlog

from rainbow_exchange import own_keyring, secret_places
from rainbow_exchange.config import Settings
from rainbow_exchange.config.sources import SECRET_URLS, SECRETS
from rainbow_exchange.errors import UserError
from rainbow_exchange.secret_places import Place, Seen, place_of
from rainbow_exchange.words import _, sentences

log = structlog.get_logger()

KEYS = SECRETS + SECRET_URLS
PATH = "/api/secrets"
#: of one secret in UTF-8; whatever is longer is not one
MAX_BYTES = 8 * 1024


class Desk:
    """Does it with this account's eyes. `settings` gives those in force above what was made here; `use` reads anew.

    `entered` gives which settings Rainbow's administration gives, and where they stand there.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        use: Callable[[], Awaitable[None]] | None = None,
        *,
        entered: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._settings = settings
        self._use = use
        self._entered = entered

    async def answer(self, body: object) -> Mapping[str, Any]:
        """Do what was asked over the wire. Raises ValueError for what is not understood."""
        asked = body if isinstance(body, dict) else {}
        key, value = asked.get("name"), asked.get("value")
        try:
            match asked.get("do"):
                case "look":
                    return {"answer": await self.look()}
                case "set" if key in KEYS and isinstance(value, str):
                    return {"answer": await self.put(key, value)}
                case "unset" if key in KEYS:
                    return {"answer": await self.take_out(key)}
                case "use":
                    return {"answer": {"remark": await self._used()}}
        except UserError as error:
            return {"problems": list(error.problems)}
        raise ValueError("nothing that can be done")

    async def look(self) -> dict[str, Any]:
        """Show each secret and its places as this account sees them."""
        found = await self._seen(KEYS)
        return {
            "account": own_keyring.whose(),
            "secrets": [{"name": key, "places": places} for key, places in found.items()],
        }

    async def _seen(self, keys: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Give the places of these secrets; the last is Rainbow's administration, which counts where no other has it.

        Its secrets are in memory only.
        """
        found = await asyncio.to_thread(secret_places.seen, self._settings(), keys)
        shown = {key: [asdict(each) for each in places] for key, places in found.items()}
        for key, origin in self._entered().items():
            if places := shown.get(key):
                counts = not any(place["counts"] and place["has"] for place in places)
                for place in places:
                    place["counts"] = place["counts"] and not counts
                places.append(asdict(Seen(kind="rainbow", where=origin, has=True, counts=counts)))
        return shown

    async def put(self, key: str, value: str) -> dict[str, Any]:
        """Keep a value where the settings say, read it back and use it. Raises UserError."""
        demand_sound(key, value)
        await self._used()  # which may name another place since
        place = place_of(self._settings(), key)
        demand_changeable(place)
        await asyncio.to_thread(_write_and_read_back, place, value)
        log.info("secret_set", name=key, place=str(place))
        return await self._done(key, place)

    async def take_out(self, key: str) -> dict[str, Any]:
        """Take it out of the keyring, and out of the file that the settings name. Raises UserError."""
        place = place_of(self._settings(), key)
        for each in (Place(key), *([] if place.file is None else [place])):
            await asyncio.to_thread(secret_places.remove, each)
        log.info("secret_unset", name=key)
        return await self._done(key, place)

    async def _done(self, key: str, place: Place) -> dict[str, Any]:
        remark = await self._used()
        places = (await self._seen([key]))[key]
        where = "file" if place.file is not None else "keyring"
        return {"account": own_keyring.whose(), "kept": where, "where": str(place), "remark": remark, "places": places}

    async def _used(self) -> str:
        """Have the settings and secrets read anew; say why they are not in use then, "" when they are."""
        if self._use is not None:
            try:
                await self._use()
            except UserError as error:
                return sentences(*error.problems)
        return ""


def demand_sound(key: str, value: str) -> None:
    """Refuse what cannot be meant as a secret. Raises UserError, which never holds a part of it."""
    problem = ""
    if not value:
        problem = _("is empty; to take a secret away, use rainbow-exchange secret unset")
    elif len(value.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        problem = _("is longer than {max_bytes} KiB; give the secret alone", max_bytes=MAX_BYTES // 1024)
    elif "\0" in value:
        problem = _("holds a NUL character, as UTF-16 read as something else does; save it as UTF-8")
    elif any(ord(character) < ord(" ") or ord(character) == 0x7F for character in value):  # noqa: PLR2004  (DEL)
        problem = _("holds a line end or another control character within; give the secret alone, as one line")
    elif any(0xD800 <= ord(character) <= 0xDFFF for character in value):  # noqa: PLR2004  (halves of characters)
        problem = _("holds bytes that are no text in UTF-8; give it in a file saved as UTF-8")
    elif key in SECRET_URLS and not _is_proxy(key, value):
        problem = _("is not an address like http://user:password@proxy.company.com:8080")
    if problem:
        raise UserError([_("The value for {key} {problem}.", key=key, problem=problem)])


def demand_changeable(place: Place) -> None:
    """Refuse to keep what would have no effect. Raises UserError."""
    if place.fixed:
        text = _(
            "{key} is given by {place}, which stands above what is kept from here: change it there, or take it away.",
            key=place.key,
            place=place,
        )
        raise UserError([text])


def _is_proxy(key: str, value: str) -> bool:
    group, _, name = key.partition(".")
    try:
        Settings.model_validate({group: {name: value}})
    except ValueError:
        return False
    return True


def _write_and_read_back(place: Place, value: str) -> None:
    secret_places.write(place, value)
    if secret_places.read(place) != value:
        raise UserError(
            [
                _(
                    "{key} was written to {place}, which does not give it back; see who else writes there.",
                    key=place.key,
                    place=place,
                )
            ]
        )
