"""A server in front of the lab's Exchange that gives recorded answers about calendars, and passes on all else."""

from collections.abc import Mapping
from copy import deepcopy

from aiohttp import ClientSession, web
from lxml import etree

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class RecordedCalendars:
    """`answers`: by mailbox, the whole body that its calendar is answered with, however it is asked for."""

    def __init__(self, behind: str, answers: Mapping[str, bytes]) -> None:
        self._behind = behind
        self._answers = answers
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._client: ClientSession | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/{path:.*}", self._take)
        self._client = ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/EWS/Exchange.asmx"

    async def stop(self) -> None:
        assert self._client is not None
        assert self._runner is not None
        await self._runner.cleanup()
        await self._client.close()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not body:  # a first attempt to sign in
            return await self._passed_on(request, body)
        envelope = etree.fromstring(body)
        (asked,) = next(envelope.iter("{*}Body"))
        operation = etree.QName(asked).localname
        if operation == "FindItem":
            names = [*envelope.iter("{*}PrimarySmtpAddress"), *asked.iter("{*}EmailAddress")]
            return _xml(self._answers[str(names[0].text)])
        if operation == "GetUserAvailabilityRequest":
            assert {element.text for element in asked.iter("{*}Bias")} == {"0"}
            return _xml(self._together([str(address.text) for address in asked.iter("{*}Address")]))
        return await self._passed_on(request, body)

    def _together(self, addresses: list[str]) -> bytes:
        """Put the first calendars of several answers into one."""
        documents = [etree.fromstring(self._answers[address]) for address in addresses]
        calendars = [deepcopy(next(document.iter("{*}FreeBusyResponse"))) for document in documents]
        next(documents[0].iter("{*}FreeBusyResponseArray"))[:] = calendars
        return etree.tostring(documents[0])

    async def _passed_on(self, request: web.Request, body: bytes) -> web.StreamResponse:
        assert self._client is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP | {"host"}}
        async with self._client.post(self._behind, data=body, headers=headers) as answer:
            passed = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    passed.headers.add(name, value)
            await passed.prepare(request)
            async for piece in answer.content.iter_any():
                await passed.write(piece)
            await passed.write_eof()
        return passed


def _xml(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="text/xml", charset="utf-8")
