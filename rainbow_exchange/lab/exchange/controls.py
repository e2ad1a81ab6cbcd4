"""The lab's own wire below /lab/: tests read the record, turn dials, set rights, and do what no EWS client can.

Loopback only and without sign-in: this is a simulation's control panel, not a server.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from rainbow_exchange.lab.exchange import recurrence
from rainbow_exchange.lab.exchange.calendar import details_from
from rainbow_exchange.lab.exchange.dials import Dials
from rainbow_exchange.lab.exchange.errors import Refusal
from rainbow_exchange.lab.exchange.mailbox import Directory, LabMailbox, OutOfOffice, Right
from rainbow_exchange.lab.exchange.record import Record
from rainbow_exchange.lab.exchange.streams import Streams
from rainbow_exchange.lab.exchange.subscriptions import Subscriptions
from rainbow_exchange.lab.exchange.wire import read_back, t

_LONGEST_WAIT = 60.0
#: header with the number up to which the record was looked through
NEWEST = "X-Lab-Newest"
_STREAM_ORDERS = ("drop", "truncate", "break", "break-character", "html", "close", "silence")
_Handler = Callable[[web.Request], Awaitable[web.Response]]


class Controls:
    """The handlers of /lab/. Faults in what is asked are answered with 400 or 404 and a sentence."""

    def __init__(
        self,
        *,
        directory: Directory,
        subscriptions: Subscriptions,
        streams: Streams,
        record: Record,
        dials: Dials,
        turned: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._subscriptions = subscriptions
        self._streams = streams
        self._record = record
        self._dials = dials
        self._turned = turned

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        for method, path, work in (
            ("GET", "/lab/requests", self._requests),
            ("DELETE", "/lab/requests", self._clear),
            ("GET", "/lab/counts", self._counts),
            ("GET", "/lab/dials", self._dials_shown),
            ("POST", "/lab/dials", self._dials_turned),
            ("GET", "/lab/subscriptions", self._subscriptions_shown),
            ("DELETE", "/lab/subscriptions", self._expired),
            ("POST", "/lab/streams", self._ordered),
            ("GET", "/lab/mailboxes", self._mailboxes),
            ("POST", "/lab/mailboxes", self._mailbox_made),
            ("PATCH", "/lab/mailboxes/{address}", self._mailbox_changed),
            ("DELETE", "/lab/mailboxes/{address}", self._mailbox_removed),
            ("GET", "/lab/mailboxes/{address}/calendar", self._calendar),
            ("POST", "/lab/mailboxes/{address}/items", self._item_made),
            ("PATCH", "/lab/mailboxes/{address}/items/{number}", self._item_changed),
            ("DELETE", "/lab/mailboxes/{address}/items/{number}", self._item_deleted),
            ("GET", "/lab/mailboxes/{address}/out-of-office", self._out_of_office_shown),
            ("PUT", "/lab/mailboxes/{address}/out-of-office", self._out_of_office),
        ):
            app.router.add_route(method, path, plainly(work))

    async def _requests(self, http: web.Request) -> web.Response:
        asked = http.query.get("since", "0")
        since = self._record.newest if asked == "now" else int(asked)
        operation, mailbox = http.query.get("operation", ""), http.query.get("mailbox", "")
        wait = min(float(http.query.get("wait", "0")), _LONGEST_WAIT)
        found = self._record.read(since=since, operation=operation, mailbox=mailbox)
        try:
            async with asyncio.timeout(wait or None):
                while wait and not found:
                    await self._record.wait()
                    found = self._record.read(since=since, operation=operation, mailbox=mailbox)
        except TimeoutError:
            pass
        return web.json_response(found, headers={NEWEST: str(self._record.newest)})

    async def _clear(self, _: web.Request) -> web.Response:
        self._record.clear()
        return web.json_response({})

    async def _counts(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self._record.counts))

    async def _dials_shown(self, _: web.Request) -> web.Response:
        return web.json_response(self._dials.shown())

    async def _dials_turned(self, http: web.Request) -> web.Response:
        self._dials.turn(await http.json())
        self._turned()
        for stream in tuple(self._streams.open):
            stream.wake.set()
        return web.json_response(self._dials.shown())

    async def _subscriptions_shown(self, _: web.Request) -> web.Response:
        subscriptions = [
            {
                "id": each.id,
                "mailbox": each.mailbox.address,
                "account": each.account,
                "identity": each.identity,
                "streamed": each.wake is not None,
                "pending": len(each.pending),
                "made": each.made.isoformat(),
            }
            for each in self._subscriptions
        ]
        streams = [
            {
                "account": each.call.account.name,
                "charged": each.call.charged,
                "opened": each.opened,
                "minutes": each.minutes,
                "messages": each.messages,
                "mailboxes": sorted({one.mailbox.address for one in each.subscriptions}),
            }
            for each in self._streams.open
        ]
        return web.json_response({"subscriptions": subscriptions, "streams": streams})

    async def _expired(self, http: web.Request) -> web.Response:
        """Forget the subscriptions of one mailbox, or all at once as a fail-over does."""
        named, all_of_them = http.query.get("mailbox", ""), list(self._subscriptions)
        chosen = self._subscriptions.of(self._directory.named(named).address) if named else all_of_them
        for each in chosen:
            self._subscriptions.remove(each)
        return web.json_response({"forgotten": len(chosen)})

    async def _ordered(self, http: web.Request) -> web.Response:
        """Do something to the open streams, or to those that carry one mailbox."""
        wanted = await http.json()
        order, mailbox = wanted.get("order"), wanted.get("mailbox", "").lower()
        if order not in _STREAM_ORDERS:
            raise ValueError(f"order is one of {', '.join(_STREAM_ORDERS)}")
        chosen = [
            each
            for each in self._streams.open
            if not mailbox or any(one.mailbox.address.lower() == mailbox for one in each.subscriptions)
        ]
        for each in chosen:
            each.ordered(order)
        return web.json_response({"streams": len(chosen)})

    async def _mailboxes(self, _: web.Request) -> web.Response:
        found = self._directory.by_address.values()
        shown = [
            {
                "address": each.address,
                "display_name": each.name,
                "aliases": each.made.aliases,
                "upn": each.upn,
                "right": each.right,
            }
            for each in found
        ]
        return web.json_response(shown)

    async def _mailbox_made(self, http: web.Request) -> web.Response:
        wanted = await http.json()
        wanted["aliases"] = tuple(wanted.get("aliases", ()))
        made = self._directory.add(LabMailbox(**wanted))
        return web.json_response({"address": made.address, "upn": made.upn, "sid": made.sid}, status=201)

    async def _mailbox_changed(self, http: web.Request) -> web.Response:
        mailbox = self._directory.named(http.match_info["address"])
        wanted = await http.json()
        if set(wanted) - {"right"}:
            raise ValueError("only the right of the service account can be changed")
        mailbox.right = Right(wanted["right"])
        return web.json_response({"address": mailbox.address, "right": mailbox.right})

    async def _mailbox_removed(self, http: web.Request) -> web.Response:
        mailbox = self._directory.remove(self._directory.named(http.match_info["address"]).address)
        for each in self._subscriptions.of(mailbox.address):
            each.lost = "ErrorInvalidSubscription"
            self._subscriptions.remove(each)
        return web.json_response({})

    async def _calendar(self, http: web.Request) -> web.Response:
        """Give the expanded calendar: the oracle of tests."""
        mailbox = self._directory.named(http.match_info["address"])
        start, end = (datetime.fromisoformat(http.query[name]).astimezone(UTC) for name in ("start", "end"))
        shown = [
            {
                "number": each.item.number,
                "kind": each.kind,
                "start": each.details.start.isoformat(),
                "end": each.details.end.isoformat(),
                "subject": each.details.subject,
                "show_as": each.details.show_as,
                "sensitivity": each.details.sensitivity,
                "cancelled": each.details.cancelled,
                "my_response": each.details.my_response,
            }
            for each in mailbox.calendar.view(start, end)
        ]
        return web.json_response(shown)

    async def _item_made(self, http: web.Request) -> web.Response:
        """Make an item with what no client can set: responses, cancellation, forbidden characters, a UID."""
        mailbox = self._directory.named(http.match_info["address"])
        wanted = await http.json()
        uid, series = wanted.pop("uid", ""), wanted.pop("recurrence", None)
        pattern = None
        if series:
            written = t(
                "Recurrence",
                t(series["pattern"], *(t(name, str(value)) for name, value in series["values"].items())),
                t(series["range"], *(t(name, str(value)) for name, value in series["range_values"].items())),
            )
            pattern = recurrence.read(read_back(written))
        item = mailbox.calendar.create(details_from({"zone": mailbox.zone} | wanted), recurrence=pattern, uid=uid)
        return web.json_response(
            {"number": item.number, "id": mailbox.item_id(item.number), "uid": item.uid}, status=201
        )

    async def _item_changed(self, http: web.Request) -> web.Response:
        mailbox = self._directory.named(http.match_info["address"])
        item = mailbox.calendar.find(int(http.match_info["number"]))
        wanted = await http.json()
        original = wanted.pop("occurrence", None)
        if original is None:
            mailbox.calendar.update(item, details_from(wanted, item.details))
        else:
            begin = datetime.fromisoformat(original).astimezone(UTC)
            mailbox.calendar.update_occurrence(item, begin, details_from(wanted, item.occurrence(begin)))
        return web.json_response({"number": item.number})

    async def _item_deleted(self, http: web.Request) -> web.Response:
        mailbox = self._directory.named(http.match_info["address"])
        item = mailbox.calendar.find(int(http.match_info["number"]))
        if original := http.query.get("occurrence"):
            mailbox.calendar.delete_occurrence(item, datetime.fromisoformat(original).astimezone(UTC))
        else:
            mailbox.calendar.delete(item)
        return web.json_response({})

    async def _out_of_office_shown(self, http: web.Request) -> web.Response:
        mailbox = self._directory.named(http.match_info["address"])
        times = {name: getattr(mailbox.oof, name).isoformat() for name in ("start", "end")}
        return web.json_response(asdict(mailbox.oof) | times)

    async def _out_of_office(self, http: web.Request) -> web.Response:
        mailbox = self._directory.named(http.match_info["address"])
        wanted: dict[str, Any] = await http.json()
        for name in ("start", "end"):
            given = wanted.get(name)
            wanted[name] = datetime.fromisoformat(given).astimezone(UTC) if given else getattr(mailbox.oof, name)
        mailbox.oof = OutOfOffice(**wanted)
        return web.json_response({})


def plainly(work: _Handler) -> _Handler:
    """Answer what a handler cannot understand or find with 400 or 404 and a sentence."""

    async def answer(http: web.Request) -> web.Response:
        try:
            return await work(http)
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=404)
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        except Refusal as error:
            return web.json_response({"error": error.code}, status=404 if "NotFound" in error.code else 400)

    return answer
