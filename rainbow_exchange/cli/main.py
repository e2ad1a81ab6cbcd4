"""The group of all commands. Each lives in a module of its own, which is imported when the command is used."""

import importlib
import os
from typing import IO, Any

import click
from click.shell_completion import CompletionItem

from rainbow_exchange.cli.local_api import EXIT_CODES, NoAnswerError
from rainbow_exchange.cli.summaries import SUMMARIES
from rainbow_exchange.cli.version import version
from rainbow_exchange.errors import UserError
from rainbow_exchange.state.errors import StateError

INTERRUPTED = 130
#: command → module; the command in it is called like the module, but for what comes after a colon
_COMMANDS = {
    "check": "rainbow_exchange.cli.check",
    "completion": "rainbow_exchange.cli.completion",
    "config": "rainbow_exchange.cli.config_commands",
    "explain": "rainbow_exchange.cli.explain",
    "lab": "rainbow_exchange.cli.lab",
    "log-level": "rainbow_exchange.cli.log_level:log_level",
    "login": "rainbow_exchange.cli.login",
    "logout": "rainbow_exchange.cli.logout",
    "mailboxes": "rainbow_exchange.cli.mailboxes",
    "preview": "rainbow_exchange.cli.preview",
    "resync": "rainbow_exchange.cli.resync",
    "retry": "rainbow_exchange.cli.retry",
    "run": "rainbow_exchange.cli.run",
    "secret": "rainbow_exchange.cli.secret",
    "service": "rainbow_exchange.cli.service",
    "setup": "rainbow_exchange.cli.setup",
    "status": "rainbow_exchange.cli.status",
    "support-bundle": "rainbow_exchange.cli.support_bundle:support_bundle",
    "throttling-policy": "rainbow_exchange.cli.throttling_policy:throttling_policy",
    "web-url": "rainbow_exchange.cli.web_url:web_url",
}


class _Refused(click.ClickException):
    """Sentences for the person at the keyboard."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems

    def show(self, file: IO[Any] | None = None) -> None:
        """Print one line per problem on standard error."""
        for problem in self.problems:
            click.echo(f"Error: {problem}", file=file, err=True)


class _BadConfiguration(_Refused):
    exit_code = 2


def read(name: str) -> click.Command | None:
    """Give the command of that name, None where there is none; its module is imported with the first call."""
    module = _COMMANDS.get(name)
    if module is None:
        return None
    module, _, attribute = module.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute or name)
    return command


def _is_interruption(error: BaseException) -> bool:
    """Whether it is Ctrl-C, which Python 3.11 makes a RuntimeError of where it comes within the body of a class."""
    return isinstance(error, KeyboardInterrupt | click.Abort) or isinstance(error.__cause__, KeyboardInterrupt)


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  (click's signature)
        return read(cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Complete names without reading every command: a person waits."""
        names = [
            CompletionItem(name, help=SUMMARIES.get(name))
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without reading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES.get(name, "")) for name in self.list_commands(ctx)])

    def main(self, *arguments: Any, **named: Any) -> Any:
        """Answer the shell if it is one that asks, by what `completion` printed; else run a command."""
        if "_RAINBOW_EXCHANGE_COMPLETE" in os.environ:
            importlib.import_module(_COMMANDS["completion"])
        return super().main(*arguments, **named)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _BadConfiguration(error.problems) from error
        except StateError as error:
            raise _Refused((f"{error}.",)) from error
        except NoAnswerError as error:
            click.echo(f"{error.state.capitalize()}: {error}.\nNext step: {error.action}", err=True)
            ctx.exit(EXIT_CODES[error.state])
        except (KeyboardInterrupt, RuntimeError) as error:  # which click's own Abort is
            if not _is_interruption(error):
                raise
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=version,
    help="Print the versions of the program, of Python, and of the schemas of state and status.",
)
def commands() -> None:
    """Show in Rainbow who is in an appointment or out of office, from your own Exchange.

    \b
    See it work, between a simulated Exchange and a simulated Rainbow:
        rainbow-exchange run --lab 20
    Run it, set it up in a browser, and ask how it is:
        rainbow-exchange run
        rainbow-exchange web-url
        rainbow-exchange status
    """  # noqa: D301  (\b is click's: keep these lines)
