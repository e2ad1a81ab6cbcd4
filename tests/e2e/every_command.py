"""Each command as somebody types it, and what it is to come to, for tests that drive all of them alike."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from rainbow_exchange.cli.main import commands

#: serve until they are ended, and have tests of their own
LASTING = {"run", "lab"}
#: what they do is the service manager's, which this machine may have or not; `tests/cli` gives them one
OF_THE_SYSTEM = {f"service {name}" for name in ("install", "start", "status", "stop", "uninstall")}
#: have no use for settings, or are of use where these are faulty
WITHOUT_SETTINGS = {"completion", "config init", "support-bundle"}
ADDRESS = "ada@acme.test"


@dataclass(frozen=True)
class Call:
    """A command line, and its exit code beside the running daemon, without one, and where it cannot be told.

    That is so where another program sits on the daemon's port, and for an account that may not read its folder.
    """

    words: tuple[str, ...]
    works: int
    alone: int
    cannot_tell: int

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def command(self) -> str:
        """The command without what it is given."""
        return max((each for each in leaves() if f"{self} ".startswith(f"{each} ")), key=len)


def asks(*words: str, works: int = 0, alone: int = 3) -> Call:
    """Make one that is nothing without the daemon."""
    return Call(words, works=works, alone=alone, cannot_tell=4)


def alike(*words: str, code: int = 0) -> Call:
    """Make one that does the same whether there is a daemon or not."""
    return Call(words, works=code, alone=code, cannot_tell=code)


CALLS = (
    Call(("check", "--seconds", "20"), works=0, alone=2, cannot_tell=2),
    alike("completion", "bash"),
    alike("config", "check"),
    alike("config", "init", "-"),
    alike("config", "show"),
    asks("explain", ADDRESS),
    asks("log-level"),
    asks("log-level", "debug", "--for", "1m"),
    asks("login", works=2, alone=2),
    asks("logout", "--local", alone=0),
    asks("mailboxes"),
    asks("mailboxes", "--csv", "-"),
    asks("preview", ADDRESS),
    asks("resync", ADDRESS),
    asks("retry"),
    asks("retry", ADDRESS),
    asks("secret", "list", alone=0),
    asks("secret", "set", "rainbow.proxy_password", "--file", "/nowhere", works=2, alone=2),
    asks("secret", "unset", "rainbow.proxy_password", alone=0),
    asks("secret", "where", "exchange.password", alone=1),
    alike("service", "print", "--for", "linux"),
    asks("setup", "exchange", "--find", "--username", "svc-rainbow", "--password-file", "/nowhere", works=2, alone=2),
    asks("setup", "proxy", "--none", alone=0),
    asks("status"),
    alike("support-bundle", "--output", "/nowhere/bundle.zip", code=1),
    alike("throttling-policy", "print"),
    asks("web-url"),
)


def leaves() -> set[str]:
    """Give all commands there are, those of groups by both words."""
    return set(_leaves(commands, ()))


def _leaves(command: click.Command | None, words: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from _leaves(command.get_command(context, name), (*words, name))
