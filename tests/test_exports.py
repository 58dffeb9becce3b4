"""The public face: the names, and their signatures as written down in `tests/snapshots/signatures.txt`.

`python tests/test_exports.py` writes them anew; the change to that file is part of the review.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints, is_typeddict

import pytest

SNAPSHOT = Path(__file__).parent / "snapshots" / "signatures.txt"
PUBLIC = ("trackway", "trackway.errors", "trackway.langchain", "trackway.testing", "trackway.types")
# What they export of an SDK is the SDK's business.
INTEGRATIONS = ("trackway.anthropic", "trackway.openai")
NAMES = {
    "Langfuse",
    "Observation",
    "Trackway",
    "__version__",
    "attach",
    "attach_logging",
    "attach_threads",
    "extract",
    "get_client",
    "inject",
    "observe",
    "propagate_attributes",
    "set_user",
}


def signatures() -> Iterator[str]:
    """One line for each public name and each public member of a public class, without annotations.

    tests/typing/ has an eye on the types; how Python prints an annotation changes from version to version.
    """
    for name in PUBLIC:
        module = importlib.import_module(name)
        for exported in module.__all__:
            yield from _described(f"{name}.{exported}", getattr(module, exported))
    for name in INTEGRATIONS:
        module = importlib.import_module(name)
        for exported in ("instrument", "wrap"):
            yield from _described(f"{name}.{exported}", getattr(module, exported))


def _described(path: str, value: object) -> Iterator[str]:
    if inspect.isclass(value) and value.__name__ != path.rpartition(".")[2]:
        yield f"{path} = {value.__name__}"
    elif inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if not _is_private(base))
        yield f"class {path}({bases}){_signature(value)}"
        for name, member in sorted(_members(value).items()):
            yield from _member(f"{path}.{name}", member)
    elif inspect.isroutine(value):
        yield f"def {path}{_signature(value)}"
    elif isinstance(value, str):  # the version
        yield path
    else:
        yield f"{path} = {value}"


def _is_private(base: type) -> bool:
    return base is object or base.__module__.startswith("trackway._")


def _members(value: type) -> dict[str, object]:
    """The public members that *value* and those of its bases that are ours define."""
    found: dict[str, object] = {}
    for base in reversed(value.__mro__):
        if base.__module__.startswith("trackway"):
            found |= {name: member for name, member in vars(base).items() if name[0] != "_"}
    return found


def _member(path: str, member: object) -> Iterator[str]:
    if isinstance(member, property):
        yield f"property {path}"
    elif isinstance(member, classmethod | staticmethod):
        yield f"{type(member).__name__} {path}{_signature(member.__func__)}"
    elif inspect.isroutine(member):
        kind = "async def" if inspect.iscoroutinefunction(member) else "def"
        yield f"{kind} {path}{_signature(member)}"
    else:
        yield f"attribute {path}"


def _signature(value: object) -> str:
    """Parameters with their kinds and defaults; what `**` takes is spelled out where its type says so."""
    if not callable(value):
        return ""
    try:
        signature = inspect.signature(value)
    except ValueError:
        return "(…)"
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    shown = str(signature.replace(parameters=plain, return_annotation=signature.empty))
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and (names := _unpacked(parameter.annotation)):
            shown = shown.replace(f"**{parameter.name}", f"**{{{', '.join(names)}}}")
    return shown


def _unpacked(annotation: object) -> list[str]:
    """The names in `**given: Unpack[Fields]`."""
    (fields,) = get_args(annotation) or (None,)
    return sorted(get_type_hints(fields)) if is_typeddict(fields) else []


def written() -> str:
    return "".join(f"{line}\n" for line in signatures())


def test_the_names_are_the_ones_promised() -> None:
    """`trackway` exports exactly the names that the reference promises."""
    assert set(importlib.import_module("trackway").__all__) == NAMES


@pytest.mark.parametrize("name", [*PUBLIC, *INTEGRATIONS])
def test_names_are_sorted_and_there(name: str) -> None:
    """`__all__` is sorted, and every name in it exists."""
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(module.__all__)
    assert [exported for exported in module.__all__ if not hasattr(module, exported)] == []


def test_signatures_are_the_ones_written_down() -> None:
    """A public signature changes only together with the snapshot: `python tests/test_exports.py`."""
    assert written() == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_docstrings(name: str) -> None:
    """Every public class and function says what the caller gets."""
    module = importlib.import_module(name)
    exported = {each: getattr(module, each) for each in module.__all__}
    silent = [
        each
        for each, value in exported.items()
        if (inspect.isclass(value) or inspect.isroutine(value)) and not inspect.getdoc(value)
    ]
    assert silent == []


def test_the_face_is_thin() -> None:
    """`trackway/__init__.py` holds imports and names, at most 80 lines of them, and no logic."""
    path = Path(str(importlib.import_module("trackway").__file__))
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 80
    logic = (ast.FunctionDef, ast.ClassDef, ast.If, ast.For, ast.While, ast.Try)
    unexpected = [n for n in ast.parse(source).body if isinstance(n, logic)]
    assert [getattr(n, "name", type(n).__name__) for n in unexpected if not _is_lazy(n)] == []


def _is_lazy(node: ast.stmt) -> bool:
    """A module's `__getattr__`, which loads a name at first use, and what tells type checkers of such names."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse
    return isinstance(node, ast.FunctionDef) and node.name in {"__getattr__", "__dir__"}


if __name__ == "__main__":
    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_text(written(), encoding="utf-8")
