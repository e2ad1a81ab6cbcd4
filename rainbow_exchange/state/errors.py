"""What can go wrong with the state file."""

from pathlib import Path

from rainbow_exchange.errors import RainbowExchangeError


class StateError(RainbowExchangeError):
    """The state file cannot be used.

    `kind`: "newer" (made by a newer version), "locked" (another process has it), "foreign" (not ours), "corrupt" (found
    while at work; at opening such a file is moved aside), "unusable" (permissions, disk full). The text names the file
    and the next step.
    """

    def __init__(self, kind: str, path: Path, text: str) -> None:
        super().__init__(f"{path} {text}")
        self.kind = kind
        self.path = path
