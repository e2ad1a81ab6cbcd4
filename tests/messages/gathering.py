"""Every message that the product can print or show as an error, out of its own code.

Whatever reads as a message is one, unless `no_errors` says that it is none: so whoever adds a sentence has to write it
into the documentation, or to say there that it is no error.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.messages import no_errors

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "rainbow_exchange"
TEMPLATES = PRODUCT / "web" / "templates"
#: so many words make a message: fewer stand inside another one, and say nothing by themselves
FEWEST_WORDS = 3
#: … but a sentence, which has a full stop
FEWEST_WORDS_OF_A_SENTENCE = 2
#: what makes a sentence that can be translated (`words.py`)
_SAY = {"_", "unfilled"}
#: a fault of the program itself, with a traceback
_BUGS = {"RuntimeError", "TypeError", "LookupError", "AssertionError", "NotImplementedError"}
#: what a message is never handed to: help for options, the outcome of a check where all is well, a pattern
_NO_ERROR_CALLS = {"passed", "nothing", "re.compile", "click.option", "click.argument", "click.prompt"}
_NO_ERROR_NAMES = {"help", "metavar"}
_WORD = re.compile(r"[^\W\d_]{2,}")
_PLACE = re.compile(r"<[^<>]*>")
#: in a template: an element of an error or a problem, what is said in it, and what is filled in there
_MARKED = re.compile(r'<(\w+)[^>]*class="(?:[\w-]+ )*(?:error|problem)\b.*?</\1>', re.DOTALL)
_SAID = re.compile(r'\b_\("([^"]+)"|{% trans\b[^%]*%}(.*?){%', re.DOTALL)
_FILLED = re.compile(r"%\((\w+)\)s|{{ *(\w+) *}}")
_FORMATTED = re.compile(r"\{(\w+)[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Message:
    """What can be shown, `<name>` for each value, and where in the code it stands."""

    text: str
    module: str
    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.text}"


def bare(text: str) -> str:
    """Give a message without the names of its values, which pages may call otherwise, and without a last full stop."""
    return " ".join(_PLACE.sub(" <> ", text).split()).rstrip(". ")


def is_message(text: str) -> bool:
    """Whether a text is more than a word or two inside another one."""
    fewest = FEWEST_WORDS_OF_A_SENTENCE if text.endswith(".") else FEWEST_WORDS
    return len(_WORD.findall(_PLACE.sub(" ", text))) >= fewest and " " in text.strip()


@cache
def messages() -> dict[str, Message]:
    """Give all by their `bare` text: one that several places say is one."""
    found: dict[str, Message] = {}
    for file in sorted(PRODUCT.rglob("*.py")):
        module = file.relative_to(PRODUCT).as_posix()
        if not module.startswith(no_errors.FOLDERS):
            for each in messages_of(file.read_text(encoding="utf-8"), module):
                found.setdefault(bare(each.text), each)
    for each in _of_powershell(PRODUCT / "installation" / "Install-RainbowExchange.ps1"):
        found.setdefault(bare(each.text), each)
    for file in sorted(TEMPLATES.rglob("*.html")):
        for each in messages_of_template(file.read_text(encoding="utf-8"), file.relative_to(PRODUCT).as_posix()):
            found.setdefault(bare(each.text), each)
    return found


def messages_of_template(source: str, name: str) -> Iterator[Message]:
    """Give the messages in those parts of a template that it marks as an error or a problem."""
    for text, line in texts_of_template(source):
        if is_message(text) and not no_errors.is_none(name, "", text):
            yield Message(text, name, "", line)


def texts_of_template(source: str) -> Iterator[tuple[str, int]]:
    """Give what is said in those parts, and where."""
    for marked in _MARKED.finditer(source):
        for text in filter(None, (text for pair in _SAID.findall(marked[0]) for text in pair)):
            shown = _FILLED.sub(lambda place: f"<{place[1] or place[2]}>", text)
            yield " ".join(shown.split()), source.count("\n", 0, marked.start()) + 1


def messages_of(source: str, module: str) -> Iterator[Message]:
    """Give the messages in the text of a module."""
    for text, function, line in texts(ast.parse(source)):
        if is_message(text) and not no_errors.is_none(module, function, text):
            yield Message(" ".join(text.split()), module, function, line)


def texts(node: ast.AST, names: tuple[str, ...] = ()) -> Iterator[tuple[str, str, int]]:
    """Go through the code below a node: each text, the function it stands in, and its line."""
    for child in ast.iter_child_nodes(node):
        if _is_no_error(child):
            continue
        below = names
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            below = (*names, child.name)
        text, inside = _text(child)
        if text is not None:
            yield text, ".".join(below), getattr(child, "lineno", 0)
        for part in inside:
            yield from texts(part, below)


def _text(node: ast.AST) -> tuple[str | None, list[ast.AST]]:
    """Give the text that a node is, if it is one, and the nodes to look through besides."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(template)), *values], keywords=named) if (
            name in _SAY
        ):
            return _FORMATTED.sub(r"<\1>", template).replace("{{", "{").replace("}}", "}"), [*values, *named]
        case ast.Constant(value=str(text)):
            return text, []
        case ast.JoinedStr(values=parts):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else _place(part) for part in parts)
            return text, [part for part in parts if not isinstance(part, ast.Constant)]
    return None, [node]


def _place(part: ast.expr) -> str:
    """Name what an f-string fills in, by the last name in it."""
    found = re.findall(r"[a-z]\w+", ast.unparse(part.value)) if isinstance(part, ast.FormattedValue) else []
    return f"<{found[-1].lower() if found else 'value'}>"


def _is_no_error(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return True
        case ast.FunctionDef(name="__repr__"):
            return True
        case ast.keyword(arg=name) if name in _NO_ERROR_NAMES:
            return True
        case ast.Call(func=called) if _named(called) in _NO_ERROR_CALLS:
            return True
        case ast.Raise(exc=ast.Call(func=called)) if _named(called) in _BUGS:
            return True
    return False


def _named(called: ast.expr) -> str:
    """Give the name of what is called, as `click.option`; "" for anything but names."""
    match called:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return f"{module}.{name}"
    return ""


def _of_powershell(script: Path) -> Iterator[Message]:
    """Give what the script that installs on Windows says before Python does."""
    for number, line in enumerate(script.read_text(encoding="utf-8").splitlines(), start=1):
        for text in re.findall(r"""Write-Host ["'](Error: .+)["']$""", line):
            yield Message(re.sub(r"\$\(?[\w.:]+\)?", "<value>", text), script.name, "", number)
