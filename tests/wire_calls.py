"""Which calls to Rainbow the product can send, read from its code: the page on Rainbow's wire is held to them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "rainbow_exchange" / "rainbow"
METHODS = {"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"}
#: in a path: something that differs from call to call
VALUE = "<…>"


@cache
def modules() -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.glob("*.py")}


def constants(module: ast.Module) -> dict[str, str]:
    """Give the texts that a module has names for."""
    return {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def functions(name: str) -> Iterator[tuple[ast.Module, ast.FunctionDef]]:
    """Give every function of this name, with its module."""
    for module in modules().values():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                yield module, node


def texts(module: ast.Module, node: ast.expr, scope: ast.AST) -> set[str]:
    """Give what an expression may be as a path, values that are not known replaced."""
    found: set[str] = set()
    match node:
        case ast.Constant(value=str(value)):
            found = {value}
        case ast.Name(id=name):
            known = constants(module)
            assigned = [
                each.value
                for each in ast.walk(scope)
                if isinstance(each, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in each.targets)
            ]
            found = {text for value in assigned for text in texts(module, value, scope)}
            found = {known[name]} if name in known else found
        case ast.JoinedStr(values=values):
            found = {""}
            for part in values:
                inner = part.value if isinstance(part, ast.FormattedValue) else part
                found = {before + text for before in found for text in texts(module, inner, scope) or {VALUE}}
        case ast.Call(func=ast.Attribute(value=ast.Name() as template, attr="format")):
            found = {text.replace("{}", VALUE) for text in texts(module, template, scope)}
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            returned = [
                (other, each.value, function)
                for other, function in functions(name)
                for each in ast.walk(function)
                if isinstance(each, ast.Return) and each.value is not None
            ]
            found = {text for other, value, function in returned for text in texts(other, value, function)}
        case _:
            pass  # only the running program knows
    return found


@dataclass(frozen=True, slots=True)
class Made:
    """Where a call is made, and whether the connection may send it again by itself."""

    module: str
    again: bool


def calls() -> dict[tuple[str, str], Made]:
    """Give method and path of each call in the code."""
    found: dict[tuple[str, str], Made] = {}
    for name, module in modules().items():
        scopes = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for scope in (*scopes, *[each for each in module.body if isinstance(each, ast.Assign)]):
            for call in [node for node in ast.walk(scope) if isinstance(node, ast.Call)]:
                for method, path in _calls(module, call, scope):
                    found[method, path] = Made(name, again=_again(call, method))
    return found


def _again(call: ast.Call, method: str) -> bool:
    """Whether it is said to be repeatable; where nothing is said, a client's call is if it is a GET.

    Who calls by `self` without saying so is a pasted token, which repeats nothing.
    """
    said = [keyword.value for keyword in call.keywords if keyword.arg == "repeatable"]
    if said:
        return isinstance(said[0], ast.Constant) and said[0].value is True
    match call.func:
        case ast.Attribute(value=ast.Name(id="self")):
            return False
        case ast.Attribute(attr="call"):
            return method == "GET"
        case _:
            return False


def _calls(module: ast.Module, call: ast.Call, scope: ast.AST) -> Iterator[tuple[str, str]]:
    for method, path in zip(call.args, call.args[1:], strict=False):
        if isinstance(method, ast.Constant) and method.value in METHODS:
            paths = texts(module, path, scope)
            assert paths, f"{ast.unparse(call)}: its path cannot be told from the code"
            for text in paths:
                yield str(method.value), text.partition("?")[0]
