"""What is to be done to a service manager, as a list that can be shown, printed as a script, and carried out. Pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A command; `back` undoes it. `asks_password`: on its standard input, which `typed` gives, and nothing shows.

    `plain`: whoever reads the command needs no word beside it.
    """

    what: str
    command: tuple[str, ...]
    asks_password: bool = False
    plain: bool = False
    typed: str | None = field(default=None, repr=False)
    back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolder:
    """A folder that is made where it is absent; its rights are another step's."""

    what: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFile:
    """A file that is written whole. Undone by putting back what stood there, and by the command `then`."""

    what: str
    path: str
    content: str
    mode: int = 0o644
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFile:
    """A file that is removed, if it is there."""

    what: str
    path: str


Step = Run | MakeFolder | WriteFile | RemoveFile
