"""The commands, as click knows them: usage, what each does, its options with their defaults, examples, how it ends."""

import inspect
import re
import textwrap
from collections.abc import Iterator

import click

from docs.made.markdown import plain, table
from rainbow_exchange.cli.main import commands

PAGE = "reference/commands.md"
PROGRAM = "rainbow-exchange"
_WIDTH = 110
#: said once for all, at the top of the page
_OF_ALL = {"--config", "--help"}
_JSON = "Print one line of JSON."
#: a list of choices that is longer stands below, and only its option's name in the usage
_LONGEST_CHOICES = 40


def parts() -> dict[str, str]:
    """Give a part for each command and each group."""
    return {name: _section(name, command) for name, command in ALL.items()}


def every_command(command: click.Command = commands, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give each command by its words: `status`, `config show`, and also the groups."""
    if name:
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is None:
                raise ValueError(f"{name} {each}: in the list of commands, and no command")
            yield from every_command(found, f"{name} {each}".strip())


def how_it_ends(command: click.Command) -> str:
    """Give what the help says behind `Exit code:`; "" where it says nothing."""
    found = [" ".join(part.split()) for part in _paragraphs(command) if part.lstrip().startswith("Exit code:")]
    return found[0].removeprefix("Exit code: ").removesuffix(".") if len(found) == 1 else ""


def with_codes_marked(said: str) -> str:
    """Give how a command ends with its exit codes in bold."""
    return re.sub(r"(^|[,;] |with `--strict` | or )(\d+)(?= )", r"\1**\2**", plain(said))


def _paragraphs(command: click.Command) -> list[str]:
    return re.split(r"\n\s*\n|\x08\n", inspect.cleandoc(command.help or ""))


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"{PROGRAM} {name}")
    said = []
    examples = ""
    for part in filter(str.strip, _paragraphs(command)):
        if part.startswith("Example"):
            examples = textwrap.dedent(part.partition("\n")[2]).strip()
        elif not part.startswith("Exit code:"):
            said.append(_linked(" ".join(part.split())))
    blocks = [*said]
    if not isinstance(command, click.Group):
        blocks = [f"```text\n{_usage(name, command, context)}\n```", *said]
    rows = [row for each in command.params if isinstance(each, click.Option) for row in [_option(each, context)] if row]
    if rows:
        blocks.append(table(("option", ""), rows))
    if examples:
        blocks.append(f"```text\n{examples}\n```")
    if ends := how_it_ends(command):
        blocks.append(f"Exit code: {with_codes_marked(ends)}.")
    return "\n\n".join(blocks)


def _usage(name: str, command: click.Command, context: click.Context) -> str:
    words = []
    for each in command.params:
        if isinstance(each, click.Option):
            names = max(each.opts, key=len) + "".join(f"|{other}" for other in each.secondary_opts)
            value = "" if each.is_flag else f" {_value(each, context)}"
            words.append(f"[{names}{value}]" + ("..." if each.multiple else ""))
        else:
            words.append(each.make_metavar(context))
    begin = f"{PROGRAM} {name} "
    text = textwrap.fill(
        " ".join(word.replace(" ", "\N{NO-BREAK SPACE}") for word in words),
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return text.replace("\N{NO-BREAK SPACE}", " ")


def _option(option: click.Option, context: click.Context) -> tuple[str, str] | None:
    """Give an option's row; None where the head of the page has said it."""
    record = option.get_help_record(context)
    if record is None or _OF_ALL & set(option.opts):
        return None
    names, wrapped = record
    text = " ".join(wrapped.split()).replace(f" (docs/{PAGE})", "")
    text = re.sub(r"([\d.]+)<=x<=([\d.]+)]", r"\1 to \2]", text)
    text = re.sub(r"x>=([\d.]+)]", r"at least \1]", text)
    if text == _JSON:
        return None
    if (value := _value(option, context)) != option.make_metavar(context) and isinstance(option.type, click.Choice):
        names = f"{option.opts[0]} {value}"
        text = f"{text} One of {', '.join(f'`{each}`' for each in option.type.choices)}."
    return f"`{names.strip()}`".replace("|", "\\|"), _linked(text).replace("|", "\\|")


def _value(option: click.Option, context: click.Context) -> str:
    """Say what an option takes, as its usage does."""
    value = option.make_metavar(context)
    return value if len(value) <= _LONGEST_CHOICES else (option.name or "").upper()


def _linked(text: str) -> str:
    """Give text of a help as Markdown, where it names one of our commands with a link to what is said of it here."""
    names = "|".join(re.escape(each) for each in sorted(ALL, key=len, reverse=True))
    return re.sub(
        rf"(?<![`\w/-]){PROGRAM} ({names})(?![\w-])",
        lambda found: f"[`{found[0]}`](#{found[1].replace(' ', '-')})",
        plain(text),
    )


ALL = dict(every_command())
