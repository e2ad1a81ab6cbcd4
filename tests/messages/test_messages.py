"""Every message that the product can print or show as an error is explained on one page of the documentation."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from rainbow_exchange.ews.treatment import TABLE
from tests.messages import gathering, no_errors
from tests.messages.gathering import PRODUCT, bare, messages, messages_of
from tests.messages.pages import FOLDER, Section, sections

WRITE = "write it where docs/reference/messages/ explains it, or say in tests/messages/no_errors.py that it is no error"
SECTIONS = list(sections())
HELD = Counter(bare(message) for section in SECTIONS for message in section.messages)


def test_every_message_stands_on_a_page() -> None:
    lacking = [str(message) for key, message in messages().items() if key not in HELD]
    assert lacking == [], WRITE


def test_no_page_has_a_message_that_the_product_does_not_say() -> None:
    assert sorted(set(HELD) - set(messages())) == []


def test_no_message_stands_twice() -> None:
    assert {message: number for message, number in HELD.items() if number > 1} == {}


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_every_part_of_a_page_explains_its_messages(section: Section) -> None:
    assert len(re.findall(r"\w+", section.explanation)) >= 5


def test_every_response_code_that_is_treated_is_explained() -> None:
    page = (FOLDER / "response-codes.md").read_text(encoding="utf-8")
    named = [code for cell in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for code in re.findall(r"`(\w+)`", cell)]

    assert Counter(named) == Counter(TABLE.keys() - {"NoError"})


def test_every_page_stands_in_the_index() -> None:
    named = re.findall(r"^- \[[^\]]+\]\((\S+\.md)\)", (FOLDER / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(file.name for file in FOLDER.glob("*.md") if file.stem != "index")


@pytest.mark.parametrize(
    "code",
    [
        'raise UserError(["The cheese of <place> is gone; buy some."])',
        'raise click.UsageError("The cheese of <place> is gone; buy some.")',
        'def cause(place):\n    return Cause("x", _("The cheese of {place} is gone; buy some.", place=place))',
        'TEXT = unfilled("The cheese of {place:>3} is gone; buy some.")',
        'problems.append(f"The cheese of {shop.place} is gone; buy some.")',
        'click.echo(f"The cheese of {place} is gone; buy some.", err=True)',
    ],
)
def test_a_new_message_is_noticed_wherever_it_is_said(code: str) -> None:
    found = [bare(message.text) for message in messages_of(code, "bridge/shop.py")]
    assert found == ["The cheese of <> is gone; buy some"]
    assert found[0] not in HELD


@pytest.mark.parametrize(
    "code",
    [
        'def shop():\n    """Say whether the cheese is gone."""',
        'passed(_("The cheese is there."))',
        'raise RuntimeError("nobody has bought any cheese")',
        '@click.option("--cheese", help="Buy some cheese, please.")\ndef shop(): ...',
        'log.info("cheese_bought")',
    ],
)
def test_what_is_no_message_is_not_taken_for_one(code: str) -> None:
    assert list(messages_of(code, "bridge/shop.py")) == []


def test_messages_of_every_kind_are_found_in_the_code() -> None:
    """Some that are known, so that the tests above cannot come to see nothing."""
    known = {
        "Exchange at <> refuses the user name or password<> (HTTP 401; it offers <>)",
        "is not a setting; did you mean <>?",
        "--users and --users-file exclude each other; give one of them",
        "another program answers on <>",
        "--nssm: there is no file <>; give the path of nssm.exe",
        "This form is too old, or not of this page. Load the page again",
        "conflict: another connector signed in under our name and took our place",
        "the keyring of this account cannot be used (<>)",
        "is corrupt (<>); it is replaced at the next start",
        "loginEmail is missing; it must be the user's Rainbow login",
    }
    assert {bare(message) for message in known} <= set(messages())


def test_a_new_message_of_a_template_is_noticed() -> None:
    template = """
        <p class="hint">{{ _("The cheese is on the table.") }}</p>
        <p class="note error" role="status">{{ _("The cheese of %(place)s is gone; buy some.", place=x) }}
        {% trans name=shop %}The shop {{ name }} has no cheese.{% endtrans %}</p>"""
    found = [bare(message.text) for message in gathering.messages_of_template(template, "web/templates/shop.html")]
    assert found == ["The cheese of <> is gone; buy some", "The shop <> has no cheese"]


def said_in(module: str) -> Iterator[tuple[str, str]]:
    """Give all texts of a module or a template, with the function they stand in."""
    source = (PRODUCT / module).read_text(encoding="utf-8")
    if module.endswith(".html"):
        yield from (("", text) for text, _ in gathering.texts_of_template(source))
    else:
        yield from ((function, " ".join(text.split())) for text, function, _ in gathering.texts(ast.parse(source)))


def test_what_is_said_to_be_no_error_is_in_the_code() -> None:
    said = {module: list(said_in(module)) for module in no_errors.FUNCTIONS | no_errors.TEXTS}
    stale = [
        (module, function)
        for module, functions in no_errors.FUNCTIONS.items()
        for function in functions
        if not any(each == function or (function and each.startswith(f"{function}.")) for each, _ in said[module])
    ]
    stale += [
        (module, text)
        for module, texts in no_errors.TEXTS.items()
        for text in texts
        if text not in {each for _, each in said[module]}
    ]
    assert stale == []
    assert [module for module in sorted(no_errors.MODULES) if not (PRODUCT / module).is_file()] == []
