"""The user's own modules: which ones a function uses, and the files that bring them along."""

from __future__ import annotations

import ast
import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from kubelab.training.references import home_of, imported_names, references, travels_by_value

_INSTALLED = {"site-packages", "dist-packages"}
_TRAVELS = "kubelab.llm"
"""The part of kubelab that comes along where a function uses it, installed or not: images do not have it."""


def local_modules(function: Any) -> dict[str, str]:
    """Return the source of the local modules that a function uses, by path in the archive.

    A module is local when it is neither the standard library's nor installed in site-packages:
    the file beside the notebook, or a project that was installed in editable form.
    """
    home = home_of(function)
    values = [ref.value for ref in references(function) if not travels_by_value(ref.value, home)]
    names = imported_names(function) | {name for value in values if (name := _home(value))}
    if _travels(home):
        names.add(home)
    files: dict[str, str] = {}
    seen: set[str] = set()
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        for part in _with_parents(name):
            if part not in seen:
                seen.add(part)
                waiting += _add(part, files)
    return files


def is_installed(name: str) -> bool:
    """Return whether a module is the standard library's or installed, so that an image may have it too."""
    if name.partition(".")[0] == "kubelab":
        return _travels(name)  # a pod has only the part that travels
    spec = _spec(name)
    return name != "__main__" and (spec is None or not _is_local(spec))


def _add(name: str, files: dict[str, str]) -> list[str]:
    """Add one module's file where it is local, and return what that imports."""
    spec = _spec(name)
    if spec is None or not (_travels(name) or _is_local(spec)):
        return []
    is_package = spec.submodule_search_locations is not None
    path = name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
    if spec.origin is None:
        files[path] = ""  # a namespace package: zipimport needs the file
        return []
    files[path] = Path(spec.origin).read_text(encoding="utf-8")
    return _imports(files[path], name if is_package else name.rpartition(".")[0])


def _imports(source: str, package: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            # The names may be submodules; those that are not have no spec.
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found


def _home(value: Any) -> str:
    """Return the name of the module that a value comes from."""
    if isinstance(value, ModuleType):
        return value.__name__
    owner = value if hasattr(value, "__qualname__") else type(value)
    return str(getattr(owner, "__module__", None) or "")


def _travels(name: str) -> bool:
    return name == _TRAVELS or name.startswith(f"{_TRAVELS}.")


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _spec(name: str) -> ModuleSpec | None:
    root = name.partition(".")[0]
    if not root or root in sys.stdlib_module_names or root == "__main__":
        return None
    if root == "kubelab" and not _travels(name):
        return None
    loaded = sys.modules.get(name)
    if loaded is not None:
        return getattr(loaded, "__spec__", None)
    try:
        return _find(name)
    except (ImportError, ValueError, AttributeError):
        return None


def _find(name: str) -> ModuleSpec | None:
    """Find a module without importing its parents, which ``find_spec`` would: JAX alone takes a second."""
    root, *parts = _with_parents(name)
    spec = importlib.util.find_spec(root)
    for part in parts:
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(part, spec.submodule_search_locations)
    return spec


def _is_local(spec: ModuleSpec) -> bool:
    if spec.origin is None:
        places = [Path(place) for place in spec.submodule_search_locations or ()]
    else:
        places = [Path(spec.origin)]
    return bool(places) and all(
        place.suffix in {"", ".py"} and place.exists() and not _INSTALLED & set(place.parts)
        for place in places
    )
