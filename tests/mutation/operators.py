"""What may be wrong in a line: every way in which one node of a module's tree is changed, one change at a time.

Not mutated: docstrings, annotations, decorators, ``__all__`` and ``__slots__``, sentences for people (strings with
blanks, f-strings, what is raised), imports, and code that only types or a command line see.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Change = Callable[[], ast.AST | None]
"""The node in its changed form; None: the statement is taken away."""

EDGE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
CONTRARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}
WORD = re.compile(r"[A-Za-z][\w.-]*")
SKIPPED = (ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom, ast.Assert)


class Mutant(NamedTuple):
    """One change. ``name`` is the same for as long as the code around it is: function, text before and after."""

    name: str
    line: int
    operator: str
    place: int  # of the node in the tree, in :func:`_walk`'s order
    variant: int


class _Site(NamedTuple):
    """A node that may be changed, and where it stands."""

    node: ast.AST
    context: ast.AST  # what a person must see to know which one it is
    where: str  # qualified name of the function or class
    inits: bool  # inside __init__ or __post_init__
    last: bool  # the last statement of its function
    bound: bool  # an assignment to names that have a value already
    returns: str  # what the function is annotated to return


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines as far as the tree has one."""
    seen: dict[str, int] = {}
    for place, site in enumerate(_walk(ast.parse(source))):
        for variant, (operator, change) in enumerate(_changes(site)):
            before = _text(site.context)
            with _put(site.context, site.node, change()) as shown:
                name = f"{site.where}: {before} => {_text(shown)}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f" #{seen[name]}"
            yield Mutant(name, getattr(site.node, "lineno", 0), operator, place, variant)


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The module's tree with the change made."""
    tree = ast.parse(source)
    site = next(site for place, site in enumerate(_walk(tree)) if place == mutant.place)
    new = _changes(site)[mutant.variant][1]() or ast.Pass()
    for parent in ast.walk(tree):
        _put_into(parent, site.node, ast.copy_location(new, site.node))
    return ast.fix_missing_locations(tree)


def _put_into(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for field, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, field, new)
        elif isinstance(value, list):
            value[:] = [new if item is old else item for item in value]


@contextlib.contextmanager
def _put(parent: ast.AST, old: ast.AST, new: ast.AST | None) -> Iterator[ast.AST]:
    """``parent`` with ``new`` in the place of ``old``, for as long as it is looked at."""
    new = new or ast.Pass()
    if parent is old:
        yield new
        return
    holder = next(node for node in ast.walk(parent) if old in ast.iter_child_nodes(node))
    _put_into(holder, old, new)
    yield parent
    _put_into(holder, new, old)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    if isinstance(node, ast.For | ast.AsyncFor):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    return " ".join(ast.unparse(node).split())


def _walk(tree: ast.Module) -> Iterator[_Site]:
    yield from _block(tree.body, "", False, set(), "")


def _block(
    body: list[ast.stmt], where: str, inits: bool, names: set[str], returns: str, top: bool = False
) -> Iterator[_Site]:
    for k, stmt in enumerate(body):
        last = top and k == len(body) - 1
        if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{where}.{stmt.name}" if where else stmt.name
            known = {a.arg for a in (*stmt.args.posonlyargs, *stmt.args.args, *stmt.args.kwonlyargs)}
            for default in (*stmt.args.defaults, *stmt.args.kw_defaults):
                yield from _expressions(default, inner, stmt.args)
            kind = ast.unparse(stmt.returns) if stmt.returns else ""
            yield from _block(stmt.body, inner, stmt.name in ("__init__", "__post_init__"), known, kind, True)
        elif isinstance(stmt, ast.ClassDef):
            yield from _block(stmt.body, f"{where}.{stmt.name}" if where else stmt.name, False, set(), "")
        elif not _is_idle(stmt):
            yield from _statement(stmt, where, inits, last, names, returns)


def _is_idle(stmt: ast.stmt) -> bool:
    """Nothing in it that a test could see, or that is code for a test to see."""
    if isinstance(stmt, ast.Expr):
        return isinstance(stmt.value, ast.Constant)
    if isinstance(stmt, ast.If):
        return ast.unparse(stmt.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
    if isinstance(stmt, ast.Assign):
        return ast.unparse(stmt.targets[0]) in ("__all__", "__slots__")
    return isinstance(stmt, ast.Import | ast.ImportFrom)


def _statement(stmt: ast.stmt, where: str, inits: bool, last: bool, names: set[str], returns: str) -> Iterator[_Site]:
    targets = stmt.targets if isinstance(stmt, ast.Assign) else [getattr(stmt, "target", None)]
    new = {n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)}
    yield _Site(stmt, stmt, where, inits, last, bool(new) and new <= names, returns)
    for field, value in ast.iter_fields(stmt):
        if field in ("annotation", "targets", "target"):
            continue
        if isinstance(value, ast.expr) and not isinstance(stmt, ast.Raise | ast.Assert):
            yield from _expressions(value, where, stmt)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.ExceptHandler | ast.match_case):
                    yield from _block(item.body, where, inits, names, returns)
                elif isinstance(item, ast.withitem):
                    yield from _expressions(item.context_expr, where, item)
            if value and isinstance(value[0], ast.stmt):
                yield from _block(value, where, inits, names, returns)
    names |= new


def _expressions(node: ast.AST | None, where: str, parent: ast.AST) -> Iterator[_Site]:
    if node is None or isinstance(node, SKIPPED):
        return
    yield _Site(node, parent if isinstance(node, ast.Constant) else node, where, False, False, False, "")
    for field, child in ast.iter_fields(node):
        if field in ("annotation", "ctx", "op", "ops"):
            continue
        if isinstance(node, ast.Dict) and field == "keys":
            continue
        if isinstance(node, ast.Call) and _callee(node) in ("getattr", "setattr", "cast", "TypeVar"):
            continue
        if isinstance(node, ast.keyword) and node.arg in ("strict", "encoding", "indent", "sort_keys"):
            continue
        for item in child if isinstance(child, list) else [child]:
            if isinstance(item, ast.AST):
                yield from _expressions(item, where, parent if isinstance(node, ast.UnaryOp) else node)


def _callee(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _with(node: ast.AST, **fields: object) -> Change:
    """A copy of ``node`` with some fields changed."""

    def change() -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    return change


def _without(items: list[ast.expr], k: int) -> list[ast.expr]:
    return items[:k] + items[k + 1 :]


def _replaced(items: list[object], k: int, new: object) -> list[object]:
    return [*items[:k], new, *items[k + 1 :]]


def _negated(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else _not(node)


def _not(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), node)


def _changes(site: _Site) -> list[tuple[str, Change]]:
    node = site.node
    return [*_of_statement(site, node)] if isinstance(node, ast.stmt) else [*_of_expression(node)]


def _of_statement(site: _Site, node: ast.stmt) -> Iterator[tuple[str, Change]]:
    gone: Change = lambda: None  # noqa: E731
    if isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp | ast.BoolOp):
        yield "condition", _with(node, test=_negated(node.test))
    elif isinstance(node, ast.Raise | ast.Continue | ast.Break) or _is_act(node):
        yield "removed", gone
    elif isinstance(node, ast.Return):
        if not site.last:
            yield "removed", gone
        yield from _of_return(site, node)
    elif isinstance(node, ast.AugAssign):
        yield "removed", gone
        if type(node.op) in ARITHMETIC and not _is_text(node.value):
            yield "arithmetic", _with(node, op=ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.Assign) and not site.inits:
        stored = any(isinstance(t, ast.Attribute | ast.Subscript) for t in node.targets)
        if stored or site.bound:
            yield "removed", gone


def _is_act(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)


def _of_return(site: _Site, node: ast.Return) -> Iterator[tuple[str, Change]]:
    value = node.value
    if value is None or isinstance(value, ast.Constant | ast.Compare | ast.BoolOp | ast.UnaryOp):
        return
    if site.returns == "bool":
        yield "returned", _with(node, value=_not(value))
    elif site.returns in ("float", "int"):
        endless = ast.unparse(value) == "math.inf"
        yield (
            "returned",
            _with(node, value=ast.Constant(0.0) if endless else ast.BinOp(value, ast.Add(), ast.Constant(1))),
        )
    elif site.returns.endswith("| None"):
        yield "returned", _with(node, value=ast.Constant(None))
    elif site.returns.startswith("list[") and ast.unparse(value) != "[]":
        yield "returned", _with(node, value=ast.List([], ast.Load()))


def _is_text(*nodes: ast.expr) -> bool:
    """Text, bytes or a sequence: what cannot be subtracted."""
    shown = ast.JoinedStr | ast.Tuple | ast.List | ast.Set | ast.Dict
    return any(
        isinstance(n, shown) or (isinstance(n, ast.Constant) and isinstance(n.value, str | bytes)) for n in nodes
    )


def _is_type(node: ast.expr) -> bool:
    """A union of types: ``A | B | C``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_type(node.left) and _is_type(node.right)
    return isinstance(node, ast.Name) and not node.id.isupper() and node.id[0].isupper()


def _of_expression(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare):
        yield from _of_compare(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "boolean", _with(node, op=other)
        for k, operand in enumerate(node.values):
            rest = _without(node.values, k)
            kept = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield "operand dropped", lambda kept=kept: kept  # type: ignore[misc]
            yield "operand negated", _with(node, values=_replaced([*node.values], k, _negated(operand)))
    elif isinstance(node, ast.UnaryOp):
        if not (isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and not node.operand.value):
            yield "sign or not dropped", lambda: node.operand
    elif isinstance(node, ast.BinOp):
        if type(node.op) in ARITHMETIC and not _is_text(node.left, node.right) and not _is_type(node):
            yield "arithmetic", _with(node, op=ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.IfExp):
        yield "condition", _with(node, test=_negated(node.test))
    elif isinstance(node, ast.comprehension):
        for k, test in enumerate(node.ifs):
            yield "condition", _with(node, ifs=_replaced([*node.ifs], k, _negated(test)))
            yield "condition dropped", _with(node, ifs=_without(node.ifs, k))
    elif isinstance(node, ast.Call) and _callee(node) in CALLS:
        name = CALLS[_callee(node)]
        field = {"id": name} if isinstance(node.func, ast.Name) else {"attr": name}
        yield "call", _with(node, func=_with(node.func, **field)())
    elif isinstance(node, ast.Set) and len(node.elts) > 1:
        for k in range(len(node.elts)):
            yield "element dropped", _with(node, elts=_without(node.elts, k))
    elif isinstance(node, ast.Constant):
        yield from (("constant", _with(node, value=value)) for value in _other_values(node.value))


def _of_compare(node: ast.Compare) -> Iterator[tuple[str, Change]]:
    for k, op in enumerate(node.ops):
        if type(op) in EDGE:
            yield "edge", _with(node, ops=_replaced([*node.ops], k, EDGE[type(op)]()))
        yield "comparison", _with(node, ops=_replaced([*node.ops], k, CONTRARY[type(op)]()))
    if len(node.ops) > 1:
        yield "bound dropped", _with(node, ops=node.ops[:-1], comparators=node.comparators[:-1])
        left = node.comparators[0]
        yield "bound dropped", _with(node, left=left, ops=node.ops[1:], comparators=node.comparators[1:])


def _other_values(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value + 1, value - 1
    if isinstance(value, float):
        return (1.0, -1.0) if value == 0.0 else (value * 1.1, value * 0.9)
    if isinstance(value, bytes):
        return (value + b"?",)
    if isinstance(value, str) and WORD.fullmatch(value):
        return (value + "_",)
    return ()
