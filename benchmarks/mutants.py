"""
Mutation check of ``safescale/stats``: break the formulas one by one and see which breaks no test notices.

``python -m benchmarks.mutants [MODULE...] [--sample N]`` changes one operator, comparison, constant or call at a time (never a
docstring, an annotation or the words of a message), runs the tests that name the module, and prints the survivors. Each mutant
is a fork of one warm process, so that it costs the time of its tests and not that of the imports. Survivors that change nothing
(or nothing that can be seen) are argued in ``docs/explanation/mutants.md``.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.abc
import importlib.util
import os
import random
import re
import signal
import sys
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
STATS = ROOT / "safescale" / "stats"
TESTS = ROOT / "tests" / "stats"
SEED = 20_261_128
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any", "sum": "max"}
MOST_TESTS = 6  # test files a module; a private piece is used by dozens
SURVIVED, KILLED, TIMEOUT = "survived", "killed", "timeout"


class Mutator(ast.NodeTransformer):
    """Applies the change number ``wanted`` and counts all of them; the order of visits is that of the tree."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.line = wanted, 0, 0

    def _mine(self, node: ast.AST) -> bool:
        self.seen += 1
        if self.seen - 1 == self.wanted:
            self.line = getattr(node, "lineno", self.line)
            return True
        return False

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return node  # the words of a message

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.args.defaults = [self.visit(d) for d in node.args.defaults]
        node.args.kw_defaults = [d if d is None else self.visit(d) for d in node.args.kw_defaults]
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return node if "__all__" in names or any("Alias" in ast.dump(t) for t in node.targets) else self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return (
            node if isinstance(node.value, ast.Name) and node.value.id in {"Literal", "tuple", "list"} else self.generic_visit(node)
        )

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        swap = SWAPS.get(type(node.op))
        if swap is not None and self._mine(node):
            node.op = swap()  # type: ignore[assignment]
            return node
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return node if node.arg in ("strict", "kw_only", "eq") else self.generic_visit(node)  # checks, not formulas

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        if self._mine(node):
            node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
            return node
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        swap = SWAPS.get(type(node.ops[0]))
        if swap is not None and self._mine(node):
            node.ops[0] = swap()  # type: ignore[call-overload]
            return node
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return node.operand if isinstance(node.op, ast.USub | ast.Not) and self._mine(node) else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, int | float) and self._mine(node):
            changed = not node.value if isinstance(node.value, bool) else node.value + 1
            return ast.copy_location(ast.Constant(changed), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in CALLS and self._mine(node):
            if isinstance(node.func, ast.Name):
                node.func.id = CALLS[name]
            elif isinstance(node.func, ast.Attribute):
                node.func.attr = CALLS[name]
            return node
        return self.generic_visit(node)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another tree."""

    def __init__(self, name: str, path: Path, tree: ast.AST) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None  # type: ignore[arg-type]

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)  # type: ignore[arg-type]


def mutants(path: Path) -> Iterator[tuple[int, int, ast.AST]]:
    """Number, line and tree of every mutant of a file."""
    source = path.read_text(encoding="utf-8")
    counter = Mutator(-1)
    counter.visit(ast.parse(source))
    for number in range(counter.seen):
        mutator = Mutator(number)
        tree = ast.fix_missing_locations(mutator.visit(ast.parse(source)))
        yield number, mutator.line, tree


def tests_of(module: str) -> list[str]:
    """Test files that name the module or what it exports, the file of the same name first."""
    public = re.search(r"__all__ = \[(.*?)\]", (STATS / f"{module}.py").read_text(encoding="utf-8"), re.S)
    names = [module, *re.findall(r'"(\w+)"', public.group(1) if public else "")]
    named = [
        f for f in sorted(TESTS.glob("test_*.py")) if any(re.search(rf"\b{n}\b", f.read_text(encoding="utf-8")) for n in names)
    ]
    if module.startswith("_"):  # a private piece is tested through what imports it
        named += [Path(t) for user in _users(module) if not user.startswith("_") for t in tests_of(user)]
    skipped = ("test_import_cost", "test_doctests", "test_nist", "test_strategies")
    unique = [f for f in dict.fromkeys(named) if f.stem not in skipped]
    own = {f"test_{module}", f"test{module}", *(f"test_{user}" for user in _users(module))}
    return [str(f) for f in sorted(unique, key=lambda f: (f.stem not in own, "second_opinion" in f.stem))]


def _users(module: str) -> list[str]:
    """Modules that import a private one themselves."""
    if not module.startswith("_"):
        return []
    return [
        f.stem for f in STATS.glob("*.py") if re.search(rf"stats\.{module}\b", f.read_text(encoding="utf-8")) and f.stem != module
    ]


def outcome(module: str, path: Path, tree: ast.AST, tests: list[str], limit_s: float) -> str:
    """Run the tests of a mutant in a fork."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
        code = 1
        with contextlib.suppress(BaseException):
            import pytest

            sys.meta_path.insert(0, Finder(f"safescale.stats.{module}", path, tree))
            options = ["-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
            options += ["-m", "not slow and not real_data and not calibration"]
            options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported before the fork
            code = int(pytest.main([*options, *tests]))
        os._exit(code)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return SURVIVED if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 else KILLED
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT


def check(module: str, sample: int | None, limit_s: float) -> tuple[int, list[str]]:
    """Mutants tried and survivors of one module, as lines."""
    path = STATS / f"{module}.py"
    source = path.read_text(encoding="utf-8").splitlines()
    found, tests = list(mutants(path)), tests_of(module)
    if sample is not None and len(found) > sample:
        found = sorted(random.Random(f"{SEED}{module}").sample(found, sample), key=lambda one: one[0])
    stages, whole = [stage for stage in (tests[:1], tests[1:MOST_TESTS]) if stage], ast.parse(path.read_text(encoding="utf-8"))
    limits = []
    for stage in stages:
        start = time.monotonic()
        passed = outcome(module, path, whole, stage, 20 * limit_s) == SURVIVED
        limits.append(limit_s + 2 * (time.monotonic() - start))
        if not passed:
            return 0, [f"{module}: NOT TRIED, its tests fail without a change; run pytest {' '.join(tests)}"]
    survivors = []
    for number, line, tree in found:
        result = SURVIVED
        for stage, limit in zip(stages, limits, strict=True):  # most die in the file of the same name: spare the others' imports
            result = outcome(module, path, tree, stage, limit) if result == SURVIVED else result
        if result == SURVIVED:
            changed = next(
                (ast.unparse(n) for n in ast.walk(tree) if getattr(n, "lineno", 0) == line and isinstance(n, ast.stmt)), "?"
            )
            survivors.append(f"{module}.py:{line} #{number}: {source[line - 1].strip()}\n    -> {changed.splitlines()[0]}")
    return len(found), survivors


def main() -> int:
    """Print the survivors of each module and the total."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="default: every module of safescale.stats")
    parser.add_argument("--sample", type=int, default=None, help="at most so many mutants of each module, drawn with a fixed seed")
    parser.add_argument(
        "--limit-s",
        type=float,
        default=60.0,
        help="a mutant that takes so much longer than twice the module itself counts as noticed",
    )
    arguments = parser.parse_args()
    os.environ["HYPOTHESIS_PROFILE"] = "fast"
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    import hypothesis  # noqa: F401  warm, so that a fork need not import them
    import mpmath  # noqa: F401
    import pytest  # noqa: F401
    import scipy.integrate
    import scipy.stats  # noqa: F401

    with contextlib.suppress(ImportError):
        import statsmodels.api
        import statsmodels.stats.api  # noqa: F401

    modules = arguments.modules or [p.stem for p in sorted(STATS.glob("*.py")) if p.stem not in ("__init__", "_spearman_tables")]
    tried = survived = 0
    for module in modules:
        count, survivors = check(module, arguments.sample, arguments.limit_s)
        tried, survived = tried + count, survived + (len(survivors) if count else 0)
        print(f"{module}: {max(0, count - len(survivors))} of {count} noticed", flush=True)
        print("".join(f"  {line}\n" for line in survivors), end="", flush=True)
    print(f"{tried - survived} of {tried} mutants noticed, {survived} survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
