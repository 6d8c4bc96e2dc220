"""The house keeps its order: who imports whom, and what a check is called."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import taillog
import taillog_conformance
import taillog_conformance.suite
import taillog_fixtures
from taillog_conformance.contract import load_contract
from taillog_conformance.suite import _registry

OURS = ("taillog", "taillog_conformance", "taillog_fixtures")

ROOTS = {package.__name__: Path(package.__path__[0]) for package in (taillog, taillog_conformance, taillog_fixtures)}


class Import(NamedTuple):
    """One import, wherever in its module it stands: of a module, or of a name in one."""

    by: str
    what: str
    line: int
    only_types: bool
    """Whether it stands under `if TYPE_CHECKING` and so is no import when the program runs."""

    def __str__(self) -> str:
        return f"{self.by}:{self.line} imports {self.what}"


def modules(package: str) -> dict[str, Path]:
    """The files of a package by their modules' names."""
    found = {}
    for path in sorted(ROOTS[package].rglob("*.py")):
        parts = [package, *path.relative_to(ROOTS[package]).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def trees(package: str) -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules(package).items()}


@cache
def imports(package: str) -> tuple[Import, ...]:
    """Every import in a package."""
    files = modules(package)
    return tuple(
        each
        for name, tree in trees(package).items()
        for each in _imports(name, tree, is_package=files[name].name == "__init__.py")
    )


def _imports(by: str, tree: ast.Module, is_package: bool) -> Iterator[Import]:
    for node, only_types in _walk(tree, False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(by, alias.name, node.lineno, only_types)
        elif isinstance(node, ast.ImportFrom):
            here = by.split(".") if is_package else by.split(".")[:-1]
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(by, f"{module}.{alias.name}", node.lineno, only_types)


def _walk(node: ast.AST, only_types: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, only_types
    guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    for child in ast.iter_child_nodes(node):
        below = guarded and isinstance(node, ast.If) and child in node.body
        yield from _walk(child, only_types or below)


def top(name: str) -> str:
    return name.partition(".")[0]


def belongs(name: str, package: str) -> bool:
    """Whether the module or name is the package or stands in it."""
    return name == package or name.startswith(package + ".")


# Between the packages.


def test_the_reference_imports_nothing_but_itself_and_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"taillog"}
    assert [str(each) for each in imports("taillog") if top(each.what) not in allowed] == []


def test_the_judge_does_not_know_the_judged() -> None:
    assert [str(each) for each in imports("taillog_conformance") if top(each.what) == "taillog"] == []


def test_of_the_fixtures_the_judge_takes_the_scenarios_alone() -> None:
    taken = [each for each in imports("taillog_conformance") if top(each.what) == "taillog_fixtures"]
    assert [str(each) for each in taken if not belongs(each.what, "taillog_fixtures.scenarios")] == []
    named = [
        (name, ast.unparse(node))
        for name, tree in trees("taillog_conformance").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "taillog_fixtures" in node.value
    ]
    assert named == [("taillog_conformance.scenario", "'taillog_fixtures'")]
    source = modules("taillog_conformance")["taillog_conformance.scenario"].read_text()
    assert 'resources.files("taillog_fixtures") / "scenarios"' in source


def test_the_judge_loads_no_module_by_a_name_that_is_ours() -> None:
    loaders = {"import_module", "__import__", "find_spec", "files"}
    ours = [
        (name, ast.unparse(node))
        for name, tree in trees("taillog_conformance").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.args
        and ast.unparse(node.func).rpartition(".")[2] in loaders
        and isinstance(node.args[0], ast.Constant)
    ]
    assert ours == [("taillog_conformance.scenario", "resources.files('taillog_fixtures')")]


def test_the_fixtures_know_adapters_and_not_the_reference() -> None:
    ours = [each for each in imports("taillog_fixtures") if top(each.what) in OURS]
    assert [str(each) for each in ours if top(each.what) == "taillog"] == []
    allowed = ("taillog_fixtures", "taillog_conformance.adapters", "taillog_conformance.outcomes")
    assert [str(each) for each in ours if not any(belongs(each.what, name) for name in allowed)] == []


def test_scenarios_are_data() -> None:
    python = [path.name for path in (ROOTS["taillog_fixtures"] / "scenarios").glob("*.py")]
    assert python == ["__init__.py"]
    assert trees("taillog_fixtures")["taillog_fixtures.scenarios"].body[1:] == []


# Within the suite.


@cache
def arrows(with_types: bool = False) -> dict[str, set[str]]:
    """Which modules of the kit each of its modules imports."""
    names = set(modules("taillog_conformance"))
    found: dict[str, set[str]] = {name: set() for name in names}
    for each in imports("taillog_conformance"):
        if not each.only_types or with_types:
            target = each.what if each.what in names else each.what.rpartition(".")[0]
            if target in names and target != each.by:
                found[each.by].add(target)
    return found


def reached(start: str) -> set[str]:
    """The modules of the kit that come with one of them, at once or later."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in arrows()[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


KIT = "taillog_conformance"

LAYERS = (
    (f"{KIT}.cli",),
    (f"{KIT}.plugin",),
    (f"{KIT}.suite",),
    (f"{KIT}.stage",),
    (f"{KIT}.adapters", f"{KIT}.oracle"),
    (f"{KIT}.contract",),
)
"""The design's row of arrows: nothing reaches what stands in a row above its own."""


@pytest.mark.parametrize("row", range(len(LAYERS)))
def test_the_arrows_run_one_way(row: int) -> None:
    above = [name for upper in LAYERS[:row] for name in upper]
    for layer in LAYERS[row]:
        for start in (name for name in arrows() if belongs(name, layer)):
            wrong = {name for name in reached(start) for upper in above if belongs(name, upper)}
            assert wrong == set(), f"{start} reaches {wrong}"


def test_the_oracle_and_the_adapters_do_not_know_each_other() -> None:
    assert not {name for name in reached(f"{KIT}.oracle") if belongs(name, f"{KIT}.adapters")}
    for start in (name for name in arrows() if belongs(name, f"{KIT}.adapters")):
        assert f"{KIT}.oracle" not in reached(start)


def test_the_contract_stands_on_nothing() -> None:
    assert reached(f"{KIT}.contract") == set()


def test_no_module_comes_back_to_itself() -> None:
    """No circle of imports, but for a package and its own parts."""
    for start in arrows():
        circle = {
            name
            for name in reached(start)
            if start in reached(name) and not belongs(name, start) and not belongs(start, name)
        }
        parts = {name for name in circle if name.rpartition(".")[0] == start.rpartition(".")[0] != KIT}
        assert circle == parts, f"{start} and {circle - parts} need each other"


def test_the_result_model_knows_neither_pytest_nor_the_terminal() -> None:
    model = [each.what for each in imports(KIT) if each.by == f"{KIT}.report.model"]
    assert not [name for name in model if top(name) in {"pytest", "rich", "click"}]
    assert reached(f"{KIT}.report.model") == {f"{KIT}.contract"}


def test_the_plugin_imports_nothing_of_the_suite_before_a_check_asks_for_it() -> None:
    tree = trees(KIT)[f"{KIT}.plugin"]
    at_once = [
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.level or top(node.module or "") in OURS)
    ]
    assert at_once == []
    assert all(not ast.unparse(node).startswith("import hypothesis") for node in tree.body)


# Checks.

NAME = re.compile(r"test_([a-z]{3})_([1-9][0-9]*)_[a-z0-9_]+")


def check_functions() -> dict[str, list[tuple[str, ast.FunctionDef]]]:
    """The functions of the suite whose name says that they are checks: by name, their modules and definitions."""
    found: dict[str, list[tuple[str, ast.FunctionDef]]] = {}
    for name, tree in trees(KIT).items():
        if belongs(name, f"{KIT}.suite"):
            for node in tree.body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                    found.setdefault(node.name, []).append((name.rpartition(".")[2], node))
    return found


def marker(node: ast.FunctionDef) -> str | None:
    """The id that the function's marker names."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "requirement":
            id = ast.literal_eval(decorator.args[0])
            assert isinstance(id, str)
            return id
    return None


def test_a_check_is_named_after_its_requirement_and_marked_with_it() -> None:
    assert len(check_functions()) > 100
    for name, definitions in check_functions().items():
        ((module, node),) = definitions
        parts = NAME.fullmatch(name)
        assert parts is not None, name
        assert marker(node) == f"{parts[1].upper()}-{parts[2]}", name
        assert module == f"test_{parts[1]}", f"{name} stands in {module}"


def test_a_check_says_what_the_contract_says() -> None:
    for name, ((_, node),) in check_functions().items():
        text = ast.get_docstring(node)
        assert text, f"{name} has no docstring"
        assert text.splitlines()[0].endswith((".", ",", ":", ";")), name


def test_all_checks_are_known_and_exported() -> None:
    names = set(check_functions())
    assert {check.function for check in _registry.all_checks()} == names
    exported: dict[str, object] = {}
    exec("from taillog_conformance.suite import *", exported)
    assert {name for name in exported if name.startswith("test")} == names
    assert {name for name in exported if not name.startswith("__")} == names, "nothing else falls into a test module"
    for check in _registry.all_checks():
        function = exported[check.function]
        assert inspect.isfunction(function)
        assert function.__module__ == check.module


def test_each_area_with_checks_has_its_module() -> None:
    found = {module.name for module in pkgutil.iter_modules(taillog_conformance.suite.__path__)}
    areas = {f"test_{each.area.lower()}" for each in load_contract().requirements if each.untested is None}
    assert {name for name in found if name.startswith("test_")} <= areas


def test_every_requirement_has_a_check_or_a_reason() -> None:
    checked = {check.requirement for check in _registry.all_checks()}
    bare = [each.id for each in load_contract().requirements if each.id not in checked and each.untested is None]
    assert bare == []


def test_every_module_says_what_it_is() -> None:
    for package in OURS:
        for name, tree in trees(package).items():
            if tree.body:
                assert ast.get_docstring(tree), f"{name} has no docstring"
