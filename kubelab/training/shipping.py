"""A function as an archive that any Python with JAX can run: ``python code.zip``.

The archive holds the pickled function, the user's local modules, cloudpickle, and the part of
kubelab that runs in a pod, compiled too: a zip is compiled anew, twice, in every process that imports from
it. Nothing is pasted through a shell, and nothing is installed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import io
import json
import linecache
import marshal
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubelab
from kubelab.training.errors import ArchiveTooLargeError, NotPicklableError
from kubelab.training.modules import is_installed, local_modules
from kubelab.training.pod.entry import MANIFEST, PAYLOAD
from kubelab.training.references import Reference, codes, home_of, references, travels_by_value

MAX_BYTES = 1_000_000
"""A ConfigMap holds at most 1 MiB (``MaxSecretSize``, kubernetes v1.37 ``pkg/apis/core``)."""
_MAX_ARGS_JSON = 8192
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)

_MAIN = """\
import sys

WANTED = {python!r}
if sys.version_info[:2] != WANTED:
    sys.exit(
        "kubelab: the function was pickled by Python %d.%d, but this image runs Python %d.%d. "
        "Choose an image with Python %d.%d." % (WANTED + sys.version_info[:2] + WANTED)
    )
# Another kubelab may be imported already; the job brings its own.
if "kubelab" in sys.modules:
    for name in [name for name in sys.modules if name.partition(".")[0] == "kubelab"]:
        del sys.modules[name]

from kubelab.training.pod.entry import main

main(__loader__.archive)
"""


@dataclass(frozen=True, slots=True)
class Archive:
    """A function ready to travel.

    Parameters
    ----------
    content : bytes
        The zip file.
    args_json : str
        The arguments that JSON carries; they stay readable, and replaceable, in the job's environment.
    """

    content: bytes
    args_json: str


def archive(function: Callable[..., Any], args: Mapping[str, Any]) -> Archive:
    """Pack a function and its arguments.

    Raises
    ------
    NotPicklableError
        If something that the function uses cannot travel.
    ArchiveTooLargeError
        If the archive does not fit into a ConfigMap.
    """
    readable, opaque = _split(args)
    files = {
        **_pod_files(),
        **{path: text.encode() for path, text in local_modules(function).items()},
        "__main__.py": _MAIN.format(python=tuple(sys.version_info[:2])).encode(),
        MANIFEST: json.dumps(_manifest(function), sort_keys=True).encode(),
        PAYLOAD: _pickle(function, opaque),
    }
    content = _zip(files)
    if len(content) > MAX_BYTES:
        raise ArchiveTooLargeError(len(content), MAX_BYTES, _largest(function, opaque))
    return Archive(content, json.dumps(readable, sort_keys=True))


def _split(args: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate the arguments that JSON keeps as they are from those that must be pickled."""
    readable = {name: value for name, value in args.items() if survives_json(value)}
    if len(json.dumps(readable)) > _MAX_ARGS_JSON:
        readable = {}
    return readable, {name: value for name, value in args.items() if name not in readable}


def survives_json(value: Any) -> bool:
    """Return whether a value comes back from JSON with the same types throughout."""
    if isinstance(value, float):
        return type(value) is float and value - value == 0  # NaN and infinities are not JSON
    if type(value) is list:
        return all(survives_json(item) for item in value)
    if type(value) is dict:
        return all(type(key) is str and survives_json(item) for key, item in value.items())
    return value is None or type(value) in {bool, int, str}


def _manifest(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.items()
    sources, labels = _sources(function)
    return {
        "kubelab": kubelab.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "defaults": {name: p.default for name, p in parameters if survives_json(p.default)},
        "sources": sources,
        "labels": labels,
    }


def _sources(function: Callable[..., Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the text of the files that the function's code comes from, and what to call them."""
    filenames = {code.co_filename for code in codes(function)}
    texts = {filename: "".join(linecache.getlines(filename)) for filename in filenames}
    labels = {filename: _cell_label(filename) or Path(filename).name for filename in filenames}
    return {filename: text for filename, text in texts.items() if text}, labels


def _cell_label(filename: str) -> str:
    """Return ``Cell In[3]`` for the file name that IPython gave to a cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    named = shell.compile.format_code_name(filename) if shell is not None else None
    return " ".join(named) if named else ""


@functools.cache
def _pod_files() -> Mapping[str, bytes]:
    """Return the modules that a pod needs: this package's pod side, and cloudpickle."""
    import cloudpickle

    own, theirs = Path(kubelab.__file__).parent, Path(cloudpickle.__file__).parent
    paths = [
        own / name for name in ("__init__.py", "clock.py", "errors.py", "values.py", "training/__init__.py")
    ]
    paths += sorted((own / "training/pod").glob("*.py"))
    files = {f"kubelab/{path.relative_to(own).as_posix()}": path.read_bytes() for path in paths}
    compiled = {f"{name}c": _bytecode(name, source) for name, source in files.items()}
    pickler = {f"cloudpickle/{path.name}": path.read_bytes() for path in sorted(theirs.glob("*.py"))}
    return files | compiled | pickler


def _bytecode(name: str, source: bytes) -> bytes:
    """Return a module as its ``.pyc`` file, which is believed without a look at the source (PEP 552).

    A Python of another minor version passes it over, and its ``__main__`` then says what is wrong. Marshal's
    version 2 gives the same bytes in every process: from 3 on they tell how often an object is referred to.
    """
    unchecked = (0b01).to_bytes(4, "little")
    code = marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0), 2)
    return importlib.util.MAGIC_NUMBER + unchecked + importlib.util.source_hash(source) + code


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip that depends on nothing but its files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, data in sorted(files.items()):
            zipped.writestr(zipfile.ZipInfo(path, _ZIP_DATE), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _pickle(function: Callable[..., Any], args: Mapping[str, Any]) -> bytes:
    try:
        with _by_value(home_of(function)):
            return _dumps((function, dict(args)))
    except Exception as error:
        for name, value in args.items():
            if _failure(value) is not None:
                raise NotPicklableError(name, type(value).__name__, "an argument", str(error)) from error
        culprit = _culprit(function)
        if culprit is None:
            raise NotPicklableError(_name(function), "function", "the function itself", str(error)) from error
        raise NotPicklableError(
            culprit.name, type(culprit.value).__name__, f"used by {culprit.owner}()", str(error)
        ) from error


@contextlib.contextmanager
def _by_value(name: str) -> Iterator[None]:
    """Have cloudpickle send what a module of the user's defines rather than the module's name."""
    import cloudpickle

    module = sys.modules.get(name)
    if module is None or name == "__main__" or is_installed(name):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _dumps(value: Any) -> bytes:
    import cloudpickle

    return bytes(cloudpickle.dumps(value))


def _failure(value: Any) -> Exception | None:
    try:
        _dumps(value)
    except Exception as error:  # noqa: BLE001 - a __reduce__ may raise anything
        return error
    return None


def _culprit(function: Callable[..., Any]) -> Reference | None:
    """Return the first thing that does not travel on its own."""
    home = home_of(function)
    for reference in references(function):
        if not travels_by_value(reference.value, home) and _failure(reference.value) is not None:
            return reference
    return None


def _largest(function: Callable[..., Any], args: Mapping[str, Any]) -> list[tuple[str, int]]:
    named = {ref.name: ref.value for ref in references(function)} | dict(args)
    sizes = [(name, len(_dumps(value))) for name, value in named.items() if _failure(value) is None]
    return sorted(sizes, key=lambda item: -item[1])[:3]


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
