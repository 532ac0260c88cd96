"""Every single change that can be made to a module, found in its syntax tree."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
CALLS = dict(
    pair
    for a, b in [
        ("min", "max"), ("any", "all"), ("minimum", "maximum"), ("floor", "ceil"),
        ("sum", "mean"), ("nansum", "nanmean"),
    ]
    for pair in [(a, b), (b, a)]
)  # fmt: skip
WORDS = {"left": "right", "right": "left", "first": "last", "last": "first"}


@dataclass(frozen=True, order=True)
class Change:
    """One change: the bytes from ``start`` to ``end`` of a module become ``after``.

    ``first`` and ``last`` are the lines whose execution means that the change is reached; ``nth``
    counts changes of one function that read the same.
    """

    module: str
    start: int
    end: int
    kind: str
    before: str
    after: str
    function: str
    line: int
    first: int
    last: int
    nth: int = 1

    @property
    def key(self) -> str:
        """What it is, whatever line it has come to."""
        place = f"{self.module.removeprefix('src/allsurv/')}:{self.function}"
        again = f" ({self.nth})" if self.nth > 1 else ""
        return f"{place}: {_short(self.before)} -> {_short(self.after)}{again}"

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:60]} ... {code[-15:]}"


def changes_of(module: str, source: bytes) -> list[Change]:
    """List every change of a module that still compiles, in the order of the text."""
    finder = _Finder(module, source)
    finder.visit(ast.parse(source))
    found = []
    seen: Counter[str] = Counter()
    for change in sorted(set(finder.found)):
        try:
            compile(change.apply(source), module, "exec")
        except SyntaxError:
            continue
        seen[change.key] += 1
        found.append(replace(change, nth=seen[change.key]))
    return found


class _Finder(ast.NodeVisitor):
    """Walks a module; annotations, docstrings, messages and what only types see are left out."""

    def __init__(self, module: str, source: bytes) -> None:
        self.module = module
        self.source = source
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self.starts = starts
        self.names: list[str] = []
        self.lines = (1, 1)
        self.found: list[Change] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self._visit_statement(node)
            return
        for kind, new in _swaps(node):
            self._note(node, kind, new)
        if isinstance(node, ast.JoinedStr):
            return  # the words of a message
        self._visit_parts(node)

    def _visit_statement(self, node: ast.stmt) -> None:
        outside = self.lines
        self.lines = _own_lines(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.names.append(node.name)
            if not isinstance(node, ast.ClassDef):
                self.lines = _own_lines(node.body[0])  # a default counts when the body runs
                for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                    self.visit(default)
            for part in node.body:
                self.visit(part)
            self.names.pop()
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.visit(node.value)
        elif not _is_words(node):
            if _is_removable(node):
                self._note(node, "statement removed", "pass")
            self._visit_parts(node)
        self.lines = outside

    def _visit_parts(self, node: ast.AST) -> None:
        test = getattr(node, "test", None)
        if isinstance(node, ast.If | ast.IfExp) and test is not None:
            self._note(test, "condition", "True")
            self._note(test, "condition", "False")
        if isinstance(node, ast.BoolOp):
            alike = "True" if isinstance(node.op, ast.And) else "False"
            for part in node.values:
                self._note(part, "part of a condition removed", alike)
        if isinstance(node, ast.comprehension):
            for part in node.ifs:
                self._note(part, "condition", "True")
        for part in ast.iter_child_nodes(node):
            if isinstance(node, ast.Raise):  # only what is raised, not its words
                continue
            self.visit(part)

    def _note(self, node: ast.AST, kind: str, new: str) -> None:
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[node.end_lineno - 1] + node.end_col_offset
        before = self.source[start:end].decode()
        if not isinstance(node, ast.stmt):
            new = f"({new})" if before.startswith("(") or "\n" in before else new
        if before == new:
            return
        self.found.append(
            Change(
                self.module, start, end, kind, " ".join(before.split()), " ".join(new.split()),
                ".".join(self.names), node.lineno, *self.lines,
            )
        )  # fmt: skip


def _own_lines(node: ast.stmt) -> tuple[int, int]:
    """Lines of a statement without those of the statements inside."""
    inside = [part.lineno for part in ast.walk(node) if part is not node and _is_statement(part)]
    last = node.end_lineno or node.lineno
    return node.lineno, max(node.lineno, min([last, *(line - 1 for line in inside)]))


def _is_statement(node: ast.AST) -> bool:
    return isinstance(node, ast.stmt)


def _is_words(node: ast.stmt) -> bool:
    """Whether it is a docstring, an import, a list of exports, or a block for types only."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal):
        return True
    if isinstance(node, ast.Assign):
        names = [getattr(target, "id", "") for target in node.targets]
        is_type = isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.BitOr)
        return names == ["__all__"] or (is_type and names[0][:1].isupper())
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _is_removable(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Continue | ast.Break)


def _swaps(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Give what an expression can become."""
    if isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            ops = [*node.ops]
            ops[k] = COMPARISONS[type(op)]()
            yield "comparison", ast.unparse(ast.Compare(node.left, ops, node.comparators))
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node):
        new = ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
        yield "arithmetic", f"({ast.unparse(new)})"
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and/or", f"({ast.unparse(ast.BoolOp(other, node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield "sign or negation removed", f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Call):
        yield from _calls(node)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in (node.left, node.right)
    )


def _constants(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, bool):
        yield "constant", str(not value)
    elif isinstance(value, int | float):
        more = value + 1 if isinstance(value, int) or value < 10 else value * 1.1
        yield "constant", repr(0 if value == 1 else more)
    elif isinstance(value, str) and value in WORDS:
        yield "constant", repr(WORDS[value])


def _calls(node: ast.Call) -> Iterator[tuple[str, str]]:
    function = node.func
    if isinstance(function, ast.Name) and CALLS.get(function.id) in ("min", "max", "any", "all"):
        new: ast.expr = ast.Name(CALLS[function.id])
    elif isinstance(function, ast.Attribute) and function.attr in CALLS:
        new = ast.Attribute(function.value, CALLS[function.attr])
    else:
        return
    yield "function", ast.unparse(ast.Call(new, node.args, node.keywords))
