"""The pages of the documentation: their links lead somewhere, and a how-to is no longer than somebody in a hurry reads.

What `make docs` finds by itself is not looked for here: pages that no list leads to, and code blocks whose language is
not what it is called.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.pages import DOCS, NAMES, PAGES, ROOT, blocks, code, prose, read

#: whom the documentation may send its readers to; one that is not here is a slip, or a decision to be made here
HOSTS = {
    "developers.openrainbow.com",
    "github.com",
    "grafana.com",
    "httpd.apache.org",
    "keepachangelog.com",
    "learn.microsoft.com",
    "nssm.cc",
    "prometheus.io",
    "prosody.im",
    "semver.org",
    "www.python.org",
    "www.squid-cache.org",
}
#: lines of a how-to or a tutorial, tables and code included: what is longer is two pages
MOST_LINES = 120
LONGER = {
    "docs/fr/depannage.md": 520,
    "docs/fr/premiere-entreprise.md": 150,
    "docs/how-to/install-on-windows.md": 145,  # one way from an empty server to a service, without internet
    "docs/how-to/troubleshooting.md": 520,  # looked up by symptom, not read
    "docs/tutorial/first-company.md": 150,  # with two kinds of values
}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Give what a page links to in this repository: a path and an anchor ("" for none)."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, made as the usual viewers make them."""
    headings = re.findall(r"^#+ (.*)$", read(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [
        f"{path.name}#{anchor}"
        for path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert dead == []


def test_every_link_to_elsewhere_is_https_to_a_host_that_is_known() -> None:
    named = {
        (name, address)
        for page, name in zip(PAGES, NAMES, strict=True)
        for address in re.findall(r"\]\(([a-z]+:[^)\s]*)\)|<(https?:[^>\s]*)>", prose(page))
        for address in address
        if address
    }
    parts = {(name, address, urlsplit(address)) for name, address in named}
    assert {(name, address) for name, address, part in parts if part.scheme != "https"} == set()
    assert {(name, address) for name, address, part in parts if part.netloc not in HOSTS} == set()
    assert HOSTS - {part.netloc for _, _, part in parts} <= {"grafana.com", "learn.microsoft.com"}


@pytest.mark.parametrize(
    "name", [each for each in NAMES if each.startswith(("docs/how-to/", "docs/tutorial", "docs/fr/"))]
)
def test_a_page_that_is_followed_step_by_step_is_short(name: str) -> None:
    assert len(read(ROOT / name).splitlines()) <= LONGER.get(name, MOST_LINES)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_target_of_make_exists(page: Path) -> None:
    makefile = read(ROOT / "Makefile")
    named = re.findall(r"^(?:make)(?: [A-Z]+=\S+)? ([a-z]+)", code(page), flags=re.MULTILINE)
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_every_metric_that_a_page_names_is_one() -> None:
    metrics = DOCS / "reference" / "metrics.md"
    known = set(re.findall(r"^\| `(rainbow_exchange_\w+)`", read(metrics), flags=re.MULTILINE))
    named = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for page in PAGES
        if page != metrics and page.name != "CHANGELOG.md"  # which tells what was, too
        for name in re.findall(r"\brainbow_exchange_\w+", code(page))
    }
    assert {"rainbow_exchange_streams", "rainbow_exchange_stream_ends_total"} <= named
    assert named - known == set()


def test_every_page_that_the_code_refers_to_exists() -> None:
    named = {
        page
        for path in [*(ROOT / "rainbow_exchange").rglob("*.py"), ROOT / "pyproject.toml", ROOT / "Makefile"]
        for page in re.findall(r"docs/[\w/-]+\.md", read(path))
    }
    assert sorted(page for page in named if not (ROOT / page).is_file()) == []


def test_the_architecture_uses_names_that_the_code_has() -> None:
    spans = re.findall(r"`([^`\n]+)`", read(DOCS / "explanation" / "architecture.md"))
    source = "\n".join(read(path) for path in (ROOT / "rainbow_exchange").rglob("*.py"))
    classes = set(re.findall(r"^class (\w+)\b", source, flags=re.MULTILINE))
    members = set(re.findall(r"^    (?:async )?(?:def )?(\w+)(?:\(| [:=]|:)", source, flags=re.MULTILINE))
    missing = []
    for span in spans:
        if re.fullmatch(r"[a-z_/]+(\.py|/)", span):
            if not (ROOT / span).exists() and not (ROOT / "rainbow_exchange" / span).exists():
                missing.append(span)
        elif re.fullmatch(r"[A-Z][A-Za-z]+(\.[A-Za-z_]+)?", span):
            owner, _, member = span.partition(".")
            if owner not in classes or (member and member not in members):
                missing.append(span)
    assert missing == []


def test_the_architecture_has_the_layers_that_are_checked() -> None:
    contracts = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    [layers] = [each["layers"] for each in contracts if "rainbow_exchange.__main__" in each.get("layers", ())]
    [shown] = [block for block in blocks(DOCS / "explanation" / "architecture.md") if block.startswith("__main__ ")]
    assert [" ".join(part.split()) for part in shown.split("→")] == [
        layer.replace("rainbow_exchange.", "") for layer in layers
    ]
