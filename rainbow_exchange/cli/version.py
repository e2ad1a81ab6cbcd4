"""`rainbow-exchange --version`: of the program, of what it runs on, and of what it writes."""

import platform

import click

from rainbow_exchange import __version__


def version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the versions and end, where they are wanted: a callback of click's."""
    if not wanted or ctx.resilient_parsing:
        return
    from rainbow_exchange.cli.status import SCHEMA_VERSION as STATUS  # noqa: PLC0415  (only here, not for each command)
    from rainbow_exchange.state.migration import SCHEMA_VERSION as STATE  # noqa: PLC0415  (same)

    click.echo(f"rainbow-exchange {__version__} (Python {platform.python_version()}, {platform.system()})")
    click.echo(f"state schema {STATE}, status schema {STATUS}")
    ctx.exit()
