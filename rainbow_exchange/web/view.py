"""What the local page is made of: views that are shown, and forms that change something or give a file.

Each is plain: `page/` makes them of what the daemon knows, the application serves them to whoever has signed in.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rainbow_exchange.errors import RainbowExchangeError


class NotFound(RainbowExchangeError):
    """There is nothing at this address."""


class Sorry(RainbowExchangeError):
    """It was not done: the sentence says why, `back` is where to go on."""

    def __init__(self, text: str, back: str = "/") -> None:
        super().__init__(text)
        self.text = text
        self.back = back


class Again(RainbowExchangeError):
    """It was not done, and whoever typed it is shown it again, with what is wrong: by `template` and its `context`."""

    def __init__(self, template: str, context: Mapping[str, Any]) -> None:
        super().__init__(template)
        self.template = template
        self.context = context


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A list that grows while one looks at it.

    `part` is the name of a template in `web/templates/parts`: one element whose id is that name, and whose children are
    the entries, the newest first; the page's has in `data-after` the number to go on after. `news` gives what came
    after a number, by the values of path and query: the number to go on after, and what the template gets, or None.
    """

    part: str
    news: Callable[[Mapping[str, str], int], tuple[int, Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Something to look at.

    `path` as aiohttp's router has it (`/people/{id}`); `template` in `web/templates`. `context` gets the values of path
    and query and gives what the template gets; it raises NotFound. `parts` are the names of templates in
    `web/templates/parts`, each one element whose id is that name: they are rendered anew every `every` seconds while
    the page is open, and what changed replaces its element. What is new of `feed` is put before what is in it. They
    are rendered sooner where `another` returns sooner: it waits until what is shown has another version than the one it
    is given, and gives that.
    """

    path: str
    template: str
    context: Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]
    parts: tuple[str, ...] = ()
    feed: Feed | None = None
    every: float = 2.0
    another: Callable[[int], Awaitable[int]] | None = None

    @property
    def is_live(self) -> bool:
        """Whether anything in it changes while it is open."""
        return bool(self.parts) or self.feed is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A form that changes something: `work` does it, by the form's fields and the path's values, and gives the path to
    go on to. It raises Sorry and NotFound.
    """  # noqa: D205  (one sentence)

    path: str
    work: Callable[[Mapping[str, str]], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file for whoever asked."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A form that gives a file. `work` raises Sorry."""

    path: str
    work: Callable[[Mapping[str, str]], Awaitable[File]]
