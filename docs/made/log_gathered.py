"""The log events of the code, read from its text: each with its levels, its values and the modules that log it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "rainbow_exchange"
LEVELS = ("debug", "info", "warning", "error")
_LOGGERS = {"log", "_log"}
_METHODS = {*LEVELS, "exception"}
#: what calls on a value of these classes log
_OUTAGE, _SPARING = "Outage", "Sparing"
#: what these modules log, they log for their callers, who are read instead
_HELD = {"failed", "went_well", "log"}
_FOR_OTHERS = {"outage.py", "sparing.py"}
#: of what is spread into a line: what gives it
_SPREAD = {"ids": ("correlation_id", "request_id")}


@dataclass(slots=True)
class Event:
    """What the code says of one event."""

    levels: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)


def gathered(package: Path = PACKAGE) -> dict[str, Event]:
    """Give every event of the package by its name. Raises ValueError for a line whose event is not plain to see."""
    trees = {
        path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }
    events: dict[str, Event] = {}
    for module, tree in trees.items():
        if module in _FOR_OTHERS:
            continue
        for name, levels, values in _Lines(module, tree).found():
            event = events.setdefault(name, Event())
            event.levels |= set(levels)
            event.values |= set(values)
            event.modules.add(module)
    _add_outages(events, trees)
    events["lines_spared"] = Event({"info"}, {"of", "lines", "within_seconds"}, {"sparing.py"})
    return dict(sorted(events.items()))


class _Lines:
    """The lines of one module."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module = module
        self._tree = tree

    def found(self) -> Iterator[tuple[str, Iterable[str], Iterable[str]]]:
        for scope in ast.walk(self._tree):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from self._in(scope)
        for node in ast.walk(self._tree):  # a library's record that is given another event
            if isinstance(node, ast.Assign) and _sets_record(node.targets[0]):
                values = [each for each in ast.walk(node.value) if isinstance(each, ast.Constant) and each.value]
                yield str(values[0].value), {"warning"}, {"reason"}

    def _in(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, set[str], set[str]]]:
        own = list(_own(function))
        by_variable: dict[str, set[str]] = {}
        for node in own:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                by_variable.setdefault(node.targets[0].id, set()).update(_levels_in(node.value))
        for node in own:
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and by_variable.get(called.id):
                yield self._name(node), by_variable[called.id], _values(node, self._tree)
            elif isinstance(called, ast.Attribute) and called.attr in _METHODS and _is_logger(called.value):
                level = "error" if called.attr == "exception" else called.attr
                more = {"exception"} if called.attr == "exception" else set()
                yield self._name(node), {level}, _values(node, self._tree) | more

    def _name(self, call: ast.Call) -> str:
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            return call.args[0].value
        raise ValueError(f"{self._module}:{call.lineno}: the event is not plain to see")


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """Give what belongs to this function and to none within it."""
    for each in ast.iter_child_nodes(function):
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield each
            yield from _own(each)


def _sets_record(target: ast.expr) -> bool:
    attributes = [each for each in ast.walk(target) if isinstance(each, ast.Attribute)]
    return any(each.attr == "msg" and ast.unparse(each.value) == "record" for each in attributes)


def _is_logger(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _LOGGERS
    return isinstance(node, ast.Call) and ast.unparse(node) == "structlog.get_logger()"


def _levels_in(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and each.attr in _METHODS and _is_logger(each.value):
            yield each.attr


def _values(call: ast.Call, within: ast.AST) -> set[str]:
    """Give the names of a call's values; what is spread into it is looked for in what is around."""
    found = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            found.add("exception" if keyword.arg == "exc_info" else keyword.arg)
        elif isinstance(keyword.value, ast.Call):
            found.update(_SPREAD[ast.unparse(keyword.value.func)])
        else:
            found.update(_keys_of(ast.unparse(keyword.value), within))
    return found


def _keys_of(name: str, within: ast.AST) -> Iterator[str]:
    if name in _SPREAD:
        yield from _SPREAD[name]
    for node in ast.walk(within):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            for each in ast.walk(node.value):
                if isinstance(each, ast.Dict):
                    yield from (str(key.value) for key in each.keys if isinstance(key, ast.Constant))


def _add_outages(events: dict[str, Event], trees: dict[str, ast.Module]) -> None:
    """Add what is logged by an Outage or a Sparing: by the names of the attributes that hold them."""
    held = list(_held({module: tree for module, tree in trees.items() if module not in _FOR_OTHERS}))
    for module, tree in trees.items():
        for target, made in _made(tree):
            names = [str(each.value) for each in made.args if isinstance(each, ast.Constant)]
            kind = ast.unparse(made.func)
            methods = {"failed": 0, "went_well": 1} if kind == _OUTAGE else {"log": 0}
            levels = [{"warning", "debug"}, {"info"}] if kind == _OUTAGE else [{"info", "debug"}]
            for place, name in enumerate(names):
                event = events.setdefault(name, Event())
                event.levels |= levels[place]
                event.modules.add(module)
                if kind == _OUTAGE and place == 1:
                    event.values.add("lasted_seconds")
            for other, method, holder, values in held:
                if method in methods and (holder == target or (other == module and not target)):
                    events[names[methods[method]]].values |= values


def _made(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Give each Outage or Sparing that is made, and the name that holds it; "" where it stands within something."""
    named: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for each, value in zip(targets, values, strict=False):
                calls = [call for call in ast.walk(value) if _makes(call)]
                if len(calls) == 1:
                    named[id(calls[0])] = ast.unparse(each).rpartition(".")[2]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _makes(node):
            yield named.get(id(node), ""), node


def _makes(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {_OUTAGE, _SPARING}):
        return False
    return bool(node.args) and isinstance(node.args[0], ast.Constant)


def _held(trees: dict[str, ast.Module]) -> Iterator[tuple[str, str, str, set[str]]]:
    """Give each call of such a method: module, method, the last name of what it is called on, and its values."""
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _HELD):
                continue
            if not _is_logger(node.func.value):
                holder = ast.unparse(node.func.value).rpartition(".")[2]
                yield module, node.func.attr, holder, _values(node, tree) - {"seconds_ago"}
