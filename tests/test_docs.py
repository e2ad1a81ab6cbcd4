"""What the documentation names exists: pages, anchors, make's targets, settings, commands and their options."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rainbow_exchange import config
from rainbow_exchange.cli.main import commands

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
#: what looks like a command and is none: the text that a daemon's proof is made of
NO_COMMAND = {"rainbow-exchange runtime"}
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Give what a page links to in this repository: a path and an anchor ("" for none)."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, made as the usual viewers make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(page: Path) -> str:
    """Give what stands in a page's code blocks and between its backticks."""
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [
        f"{path.name}#{anchor}"
        for path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert dead == []


def test_every_page_is_reached_from_the_index() -> None:
    reached, ahead = set(), {DOCS / "index.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead |= {path for path, _ in links(page) if path.suffix == ".md" and path.is_file()} - reached
    assert set(DOCS.rglob("*.md")) - reached == set()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_target_of_make_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^(?:make)(?: [A-Z]+=\S+)? ([a-z]+)", code(page), flags=re.MULTILINE)
    assert [target for target in named if f"\n{target}:" not in makefile] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_setting_in_an_example_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {
        f"{group}.{name}"
        for group, field in config.Settings.model_fields.items()
        if isinstance(field.annotation, type)
        for name in getattr(field.annotation, "model_fields", {})
    }
    examples = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)]
    named = {f"{group}.{name}" for example in examples for group, values in example.items() for name in values}
    assert named - known == set()


def typed(page: Path) -> Iterator[list[str]]:
    """Give the words of each `rainbow-exchange …` that a page shows, up to a comment or a pipe."""
    text = "\n".join(line for line in code(page).splitlines() if line not in NO_COMMAND)
    for line in re.findall(r"^(?:\$ )?(?:[\w.:/\\]*[/\\])?rainbow-exchange((?: .*)?)$", text, flags=re.MULTILINE):
        yield re.split(r"\s#|[|>&;…]", line)[0].split()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_and_option_exists(page: Path) -> None:
    unknown = []
    for words in typed(page):
        command: click.Command | None = commands
        if words and not words[0].startswith("-"):
            command = commands.get_command(click.Context(commands), words[0])
        if isinstance(command, click.Group) and words[1:] and not words[1].startswith("-"):
            command = command.get_command(click.Context(command), words[1])
        options = {option for each in command.params for option in each.opts} if command else set()
        shown = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help", "--version"}
        if command is None or shown - options:
            unknown.append(f"rainbow-exchange {' '.join(words)}")
    assert unknown == []


def test_every_page_that_the_code_refers_to_exists() -> None:
    named = {
        page
        for path in [*(ROOT / "rainbow_exchange").rglob("*.py"), ROOT / "pyproject.toml", ROOT / "Makefile"]
        for page in re.findall(r"docs/[\w/-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert sorted(page for page in named if not (ROOT / page).is_file()) == []


def test_the_architecture_uses_names_that_the_code_has() -> None:
    spans = re.findall(r"`([^`\n]+)`", (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8"))
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rainbow_exchange").rglob("*.py"))
    missing = []
    for span in spans:
        if re.fullmatch(r"[a-z_/]+(\.py|/)", span):
            if not (ROOT / span).exists() and not (ROOT / "rainbow_exchange" / span).exists():
                missing.append(span)
        elif re.fullmatch(r"[A-Z][A-Za-z]+(\.[A-Za-z_]+)?", span):
            owner, _, member = span.partition(".")
            defined = re.search(rf"^class {owner}\b", source, flags=re.MULTILINE)
            has = not member or re.search(
                rf"^    (async )?(def {member}\(|{member} [:=]|{member}:)", source, re.MULTILINE
            )
            if not defined or not has:
                missing.append(span)
    assert missing == []
