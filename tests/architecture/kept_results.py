"""Find what the modules of the product keep between calls: cached functions, and objects that change after import."""

import ast
from functools import cache

from tests.architecture.source import PRODUCT, ROOT, python, tree

CACHES = {"cache", "lru_cache", "cached_property"}
EXEMPT = ("cedrina.tooling", "cedrina.settings")  # no part of a server; read once at the start


@cache
def kept():
    """Return the dotted names of all of them."""
    changing = _changing_classes()
    found = set()
    for path in python(*PRODUCT):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if not module.startswith(EXEMPT):
            found |= {f"{module}.{name}" for name in _names(tree(path), changing)}
    return found


def _names(module, changing):
    yield from _cached_functions(module)
    # `_state.policy = ...` in a function: the object is changed from outside.
    stored = {
        node.value.id
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
    }
    for node in module.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and (target.id in stored or _is_changing(node.value, changing)):
            yield target.id


def _cached_functions(module):
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and any(_called(each) in CACHES for each in node.decorator_list):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_cache(node.value):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield target.id if isinstance(target, ast.Name) else target.attr


def _is_cache(value):
    """Return whether a value is `lru_cache(...)(function)` or `cache(function)`."""
    return isinstance(value, ast.Call) and (
        _called(value.func) in CACHES if isinstance(value.func, ast.Call) else _called(value) in CACHES
    )


def _is_changing(value, changing):
    if isinstance(value, ast.Dict | ast.List | ast.Set):
        return not (getattr(value, "keys", None) or getattr(value, "elts", None))
    return isinstance(value, ast.Call) and _called(value) in changing | {"WeakKeyDictionary", "LocMemCache"}


def _called(node):
    function = node.func if isinstance(node, ast.Call) else node
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _changing_classes():
    """Return the names of our classes whose methods, other than the constructor, change their object."""
    return {
        each.name
        for path in python(*PRODUCT)
        for each in tree(path).body
        if isinstance(each, ast.ClassDef) and any(_changes_self(method) for method in each.body)
    }


def _changes_self(method):
    return (
        isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and method.name != "__init__"
        and any(
            isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store) and _is_self(node.value)
            for node in ast.walk(method)
        )
    )


def _is_self(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "self"
