"""The root of the error tree. Each side has its own branch: `ews/errors.py`, `rainbow/errors.py`, `state/errors.py`.

A class exists only where some handler names it; classes carry fields, not prose.
"""

from collections.abc import Sequence

from rainbow_exchange.words import joined


class RainbowExchangeError(Exception):
    """Whatever this program raises on purpose."""


class UserError(RainbowExchangeError):
    """Something the person at the keyboard can mend: printed without a traceback, exit code 2.

    `problems` is one sentence per fault, each naming the thing and the next step.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(joined("; ", problems))
        self.problems = tuple(problems)


def problems_in(group: BaseExceptionGroup[UserError]) -> list[str]:
    """Give the problems of all that a group holds, however deep."""
    found: list[str] = []
    for error in group.exceptions:
        found += problems_in(error) if isinstance(error, BaseExceptionGroup) else error.problems
    return found
