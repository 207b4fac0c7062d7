"""Find uses of other packages' private names, and patches of their objects, in a source file.

A name is private with one leading underscore. The methods of named tuples, which the language
documents, are not. What is reached through an object of unknown type counts as another package's
unless the same file, or for `self` a file of the same package, defines the name.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN: Final = ("cv_processor", "cv_reporter", "cv_contracts", "cv_contracts_checker", "tools")
DOCUMENTED: Final = frozenset({"_replace", "_fields", "_asdict", "_make"})
SELF: Final = ("self", "cls")


def is_private(name: str) -> bool:
    """Whether a name is not for other packages."""
    return name.startswith("_") and not name.startswith("__") and name not in {"_", *DOCUMENTED}


def defined_in(tree: ast.AST) -> set[str]:
    """The private names that a file defines: functions, classes, variables, attributes of self."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node):
            names.add(node.attr)
    return {name for name in names if is_private(name)}


def imported_from_others(tree: ast.AST, own: tuple[str, ...] = OWN) -> set[str]:
    """The names by which a file knows modules and objects of third-party packages."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            pairs = [
                (alias.name, (alias.asname or alias.name).split(".")[0]) for alias in node.names
            ]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            pairs = [(node.module, a.asname or a.name) for a in node.names]
        else:
            continue
        names |= {name for module, name in pairs if _is_third_party(module, own)}
    return names


def violations(source: str, package: set[str], own: tuple[str, ...] = OWN) -> Iterator[str]:
    """`line: what` for each use. `package` holds the private names that its package defines."""
    tree = ast.parse(source)
    here, others = defined_in(tree), imported_from_others(tree, own)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"{node.lineno}: import {name}" for name in _imports(node, own))
        elif isinstance(node, ast.Attribute):
            if is_private(node.attr) and node.attr not in _allowed(node, here, package):
                yield f"{node.lineno}: .{node.attr}"
            elif isinstance(node.ctx, ast.Store) and _root(node) in others:
                yield f"{node.lineno}: patches {ast.unparse(node)}"


def _allowed(node: ast.Attribute, here: set[str], package: set[str]) -> set[str]:
    return here | package if _is_self(node) else here


def _is_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in SELF


def _imports(node: ast.Import | ast.ImportFrom, own: tuple[str, ...]) -> Iterator[str]:
    for alias in node.names:
        module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        name = f"{module}.{alias.name}".strip(".")
        private = any(is_private(part) for part in name.split("."))
        if private and not getattr(node, "level", 0) and _is_third_party(name, own):
            yield name


def _is_third_party(module: str, own: tuple[str, ...]) -> bool:
    root = module.split(".")[0]
    return root not in own and root not in sys.stdlib_module_names


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
