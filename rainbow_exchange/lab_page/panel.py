"""A panel below the two sides: what it shows, and what its forms do."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rainbow_exchange.web.view import Change


class Panel(Protocol):
    """One panel. `part` is its template in `web/templates/parts`, and there the name of what `shown` gives."""

    part: str

    async def refresh(self) -> bool:
        """Look anew, every few seconds while somebody looks at the page; return whether anything is another.

        It raises none of `troubles.WRONG`: what cannot be seen is shown as such.
        """
        ...

    def shown(self) -> Mapping[str, Any]:
        """Give what the template gets, as it was seen last."""
        ...

    def changes(self) -> Sequence[Change]:
        """Give what its forms do."""
        ...
