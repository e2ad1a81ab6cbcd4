"""Serves views, changes and downloads to browsers that have signed in, each in the reader's language."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from markupsafe import Markup

from rainbow_exchange import __version__
from rainbow_exchange.web.guard import Anybody, Guard, cookie, own_path, page
from rainbow_exchange.web.language import LANGUAGES, chosen
from rainbow_exchange.web.live import FIELD, Live, Reader
from rainbow_exchange.web.render import PAGE, environment, render
from rainbow_exchange.web.security import SITE
from rainbow_exchange.web.view import Again, Change, Download, NotFound, Sorry, View
from rainbow_exchange.web.watch import SHARE

LANGUAGE_COOKIE = "rainbow-exchange-language"
_YEAR = 365 * 24 * 3600


def language_of(request: web.Request) -> str:
    """Give the name of the reader's language."""
    return chosen(request.cookies.get(LANGUAGE_COOKIE, ""), request.headers.get("Accept-Language", ""))


async def rendered(request: web.Request, template: str, context: Mapping[str, Any]) -> str:
    """Render a page that is no view."""
    known = {"path": request.path, "version": __version__, "live": "", "signed_in": False}
    return await asyncio.to_thread(render, template, language_of(request), known | dict(context), site_of(request))


def site_of(request: web.Request) -> str:
    """Give what is served, as `render` calls it."""
    return request.app.get(SITE, PAGE)


class Pages:
    """What the local page consists of; `guard` knows who may have it."""

    def __init__(
        self,
        guard: Guard | Anybody,
        views: Sequence[View] = (),
        changes: Sequence[Change] = (),
        files: Sequence[Download] = (),
        *,
        share: float = SHARE,
    ) -> None:
        self._guard = guard
        self._signed_in = isinstance(guard, Guard)
        self._views = views
        self._changes = changes
        self._files = files
        self.live = Live(share)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Take the paths."""
        for view in self._views:
            router.add_get(view.path, self._guard.seen(partial(self._show, view)), allow_head=False)
            if view.is_live:
                router.add_get(f"/live{view.path}", self._guard.seen(partial(self._live, view)), allow_head=False)
        for change in self._changes:
            router.add_post(change.path, self._guard.changed(partial(self._change, change)))
        for file in self._files:
            router.add_post(file.path, self._guard.changed(partial(self._file, file)))
        router.add_get("/language/{name}", self._choose, allow_head=False)

    async def _show(self, view: View, request: web.Request) -> web.StreamResponse:
        try:
            context = await view.context(_values(request))
        except NotFound as error:
            raise web.HTTPNotFound from error
        known = {
            "live": f"/live{request.rel_url}" if view.is_live else "",
            "signed_in": self._signed_in,
            "csrf": self._guard.field(request),
        }
        return page(await rendered(request, view.template, known | dict(context)))

    async def _live(self, view: View, request: web.Request) -> web.StreamResponse:
        language = language_of(request)
        site = site_of(request)
        await asyncio.to_thread(prepare, view, language, site)

        def alike(template: str, context: Mapping[str, Any]) -> str:
            return render(template, language, {"csrf": _anybodys_field} | dict(context), site)

        reader = Reader(cookie(request), self._guard.field(request)(), partial(self._guard.knows, request))
        return await self.live.show(request, view, _values(request), language, render=alike, reader=reader)

    async def _change(self, change: Change, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        return await self._worked(request, change.work, form, _done if _is_script(request) else _gone_on)

    async def _file(self, file: Download, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        def sent(made: Any) -> web.Response:
            return web.Response(
                body=made.content,
                content_type=made.content_type,
                headers={"Content-Disposition": f'attachment; filename="{made.name}"'},
            )

        return await self._worked(request, file.work, form, sent)

    async def _worked(
        self,
        request: web.Request,
        work: Callable[[Mapping[str, str]], Any],
        form: Mapping[str, str],
        answer: Callable[[Any], web.Response],
    ) -> web.StreamResponse:
        try:
            return answer(await work(dict(form) | dict(request.match_info)))
        except NotFound as error:
            raise web.HTTPNotFound from error
        except Sorry as sorry:
            return await self._not_done(request, "sorry.html", {"sorry": sorry.text, "back": sorry.back})
        except Again as again:
            return await self._not_done(request, again.template, again.context)

    async def _not_done(self, request: web.Request, template: str, context: Mapping[str, Any]) -> web.StreamResponse:
        known = {"signed_in": self._signed_in, "csrf": self._guard.field(request)}
        return page(await rendered(request, template, known | dict(context)), HTTPStatus.UNPROCESSABLE_ENTITY)

    @staticmethod
    async def _choose(request: web.Request) -> web.StreamResponse:
        """Keep the reader's choice of a language, and go back to the page."""
        name, back = request.match_info["name"], request.query.get("back", "/")
        if name not in LANGUAGES:
            raise web.HTTPNotFound
        answer = _gone_on(back)
        answer.set_cookie(LANGUAGE_COOKIE, name, max_age=_YEAR, httponly=True, samesite="Strict", path="/")
        return answer


def prepare(view: View, language: str, site: str = PAGE) -> None:
    """Read the templates of what is live in a view; takes a while the first time."""
    for part in (*view.parts, *([view.feed.part] if view.feed else [])):
        environment(language, site).get_template(f"parts/{part}.html")


def _anybodys_field() -> Markup:
    """Give what stands for the field that a form must have, where a part is rendered for all who look."""
    return Markup(FIELD)  # noqa: S704  (our own)


def _values(request: web.Request) -> dict[str, str]:
    return dict(request.query) | dict(request.match_info)


def _is_script(request: web.Request) -> bool:
    """Whether a script of the page asks, which stays where it is (Fetch Metadata)."""
    return request.headers.get("Sec-Fetch-Dest") == "empty"


def _done(_path: str) -> web.Response:
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _gone_on(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": own_path(path)})


def signing_in(status: HTTPStatus = HTTPStatus.UNAUTHORIZED, reason: str = "", *, code: str = "") -> Handler:
    """Give what answers with the page that says how to sign in; `code` stands in its form."""

    async def answer(request: web.Request) -> web.StreamResponse:
        to = request.path_qs if request.method == hdrs.METH_GET and request.path != "/sign-in" else "/"
        # which carries no cookie, although there may be one
        came = not code and request.headers.get("Sec-Fetch-Site") == "cross-site"
        shown = {"reason": reason, "code": code, "to": own_path(to), "came": came}
        return page(await rendered(request, "sign_in.html", shown), status)

    return answer


async def refused(request: web.Request, status: HTTPStatus, text: str) -> web.Response:
    """Give the page of a refusal."""
    return page(await rendered(request, "refused.html", {"text": text, "path": "/"}), status)
