"""Pages from templates: what is put into one is escaped, and written as the reader's language writes it.

Style and script stand in the page itself, so that it comes in one round trip; the policy of the page (`policy`) names
their digests and allows nothing else.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup, escape
from tzlocal import get_localzone

from rainbow_exchange.web.language import Language, language

#: what is served: the connector's own page, and that of the lab
PAGE, LAB = "page", "lab"
#: of which files its style and its script consist
_PIECES = {PAGE: ("page",), LAB: ("page", "lab")}
_MINUTE, _TENTH = 60, 0.1
_NOTHING = Markup("—")


def _static(site: str, kind: str) -> str:
    folder = files("rainbow_exchange.web").joinpath("static")
    return "".join(folder.joinpath(f"{piece}.{kind}").read_text(encoding="utf-8") for piece in _PIECES[site])


@cache
def style(site: str = PAGE) -> str:
    """Give the style that stands in each page."""
    return _static(site, "css")


@cache
def script(site: str = PAGE) -> str:
    """Give the script that stands in each page."""
    return _static(site, "js")


@cache
def policy(site: str = PAGE) -> str:
    """Give the Content-Security-Policy of a page: its own style and script, pictures that stand in it, and no more."""
    return (
        f"default-src 'none'; style-src '{_digest(style(site))}'; script-src '{_digest(script(site))}'; img-src data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def environment(name: str, site: str = PAGE) -> jinja2.Environment:
    """Give the templates in a language. Takes a while the first time."""
    words = language(name)
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("rainbow_exchange.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True  # lines of a template are no lines of a sentence
    made.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        words.gettext, words.ngettext, newstyle=True
    )
    made.globals |= {
        "language": words.name,
        "style": Markup(style(site)),  # noqa: S704  (our own file)
        "script": Markup(script(site)),  # noqa: S704  (our own file)
    }
    made.filters |= {"said": words.said} | _Written(words, get_localzone()).filters()
    return made


def render(template: str, name: str, context: Mapping[str, Any], site: str = PAGE) -> str:
    """Render a template in a language."""
    return environment(name, site).get_template(template).render(context)


class _Written:
    """How a language writes instants, spans and numbers; instants in this machine's zone."""

    def __init__(self, words: Language, zone: tzinfo) -> None:
        self._locale = words.locale
        self._zone = zone

    def filters(self) -> dict[str, Any]:
        return {
            "time": self.time,
            "clock": self.clock,
            "day": self.day,
            "ago": self.ago,
            "duration": self.duration,
            "seconds": self.seconds,
            "number": self.number,
        }

    def time(self, value: datetime | str | None) -> Markup:
        """Write an instant: its time of day today, day and time otherwise."""
        if value is None:
            return _NOTHING
        at = self._at(value)
        if at.date() == datetime.now(self._zone).date():
            shown = format_time(at, "medium", locale=self._locale)
        else:
            shown = format_datetime(at, "d MMM, HH:mm", locale=self._locale)
        return self._marked(at, shown)

    def clock(self, value: datetime | str) -> str:
        """Write the time of day of an instant, to the minute."""
        return format_time(self._at(value), "short", locale=self._locale)

    def day(self, value: datetime | str | None) -> Markup:
        """Write the date of an instant."""
        if value is None:
            return _NOTHING
        at = self._at(value)
        return self._marked(at, format_date(at, "long", locale=self._locale))

    def ago(self, value: datetime | str | None) -> Markup:
        """Write how long ago an instant is, or how far ahead, in one unit."""
        if value is None:
            return _NOTHING
        at = self._at(value)
        apart = at - datetime.now(self._zone)
        return self._marked(at, format_timedelta(apart, add_direction=True, locale=self._locale))

    def duration(self, seconds: float | None) -> str:
        """Write a span in one unit, like "3 hours"."""
        return _NOTHING if seconds is None else format_timedelta(round(seconds), threshold=1.5, locale=self._locale)

    def seconds(self, seconds: float | None) -> str:
        """Write a short span, to a hundredth of a second, or in milliseconds below a tenth of one."""
        if seconds is None:
            return _NOTHING
        if 0 < seconds < _TENTH:
            finest = "0.#" if seconds < _TENTH / 10 else "0"
            return f"{format_decimal(1000 * seconds, format=finest, locale=self._locale)} ms"
        if seconds >= _MINUTE:
            return self.duration(seconds)
        return f"{format_decimal(seconds, format='0.##' if seconds < 1 else '0.#', locale=self._locale)} s"

    def number(self, value: float | None) -> str:
        """Write a number with the language's separators."""
        return _NOTHING if value is None else format_decimal(value, locale=self._locale)

    def _at(self, value: datetime | str) -> datetime:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return at.astimezone(self._zone)

    @staticmethod
    def _marked(at: datetime, shown: str) -> Markup:
        # put together by hand: Markup.format takes three times as long, and a table has hundreds
        return Markup(f'<time datetime="{at.isoformat(timespec="seconds")}">{escape(shown)}</time>')  # noqa: S704  (escaped)
