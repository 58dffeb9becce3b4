"""The rules of the house that no linter knows: what the suite promises about the code, and about itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
KERNELS = sorted((ROOT / "src" / "native").iterdir())
CODE = [*SOURCES, *TESTS, *sorted((ROOT / "examples").rglob("*.py"))]

LONGEST_FILE = 400
# One unit for the compiler, without a header and a build of its own. What grows beyond is too much C.
LONGEST_KERNELS = 800
LONGEST_LINE = 120
# Words that promise nothing, and names that say nothing (CONTRIBUTING.md).
EMPTY_WORDS = ("seamless", "robust", "powerful", "effortless", "blazing")
EMPTY_NAMES = ("Manager", "Helper", "Utils", "Util")
THE_ONE_GUARD = "src/trackway/_core/guard.py"
THE_ONE_READER_OF_THE_ENVIRONMENT = "src/trackway/_core/settings.py"
ONE_VARIABLE_AT_IMPORT = "src/trackway/_core/threads.py"
# The command line, and what makes spans for exporters of the SDK.
WITHOUT_THE_SDK = [p for p in SOURCES if "_cli" not in p.parts and p.name != "sdk_spans.py"]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def where(path: Path, node: ast.stmt | ast.expr | ast.excepthandler) -> str:
    return f"{relative(path)}:{node.lineno}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.expr) -> str:
    """`os.environ` for the expression that reads so; empty for anything that is no chain of names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    """No file has more than 400 lines."""
    lengths = {relative(p): p.read_text(encoding="utf-8").count("\n") for p in CODE}
    assert {p: n for p, n in lengths.items() if n > LONGEST_FILE} == {}


def test_the_kernels_are_kept_as_the_rest_is() -> None:
    """A file of kernels is of C, bounded, opens with what it holds, and has no tabs, long lines or trailing blanks."""
    for path in KERNELS:
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        assert path.suffix in {".c", ".h"}
        assert text.startswith("/* ")
        assert text.endswith("}\n")
        assert len(lines) <= LONGEST_KERNELS
        assert "\t" not in text
        assert [
            n
            for n, line in enumerate(lines, 1)
            if len(line) > LONGEST_LINE or line != line.rstrip()
        ] == []


def test_every_kernel_is_listed_typed_and_compared() -> None:
    """Each function that the kernels offer is in the list at their top, in the protocol, and in a test of the twins."""
    native = (ROOT / "src" / "trackway" / "_wire" / "native.py").read_text(encoding="utf-8")
    compared = "".join(
        path.read_text(encoding="utf-8") for path in TESTS if path.name.endswith("_compiled.py")
    )
    for path in (path for path in KERNELS if path.suffix == ".c"):
        text = path.read_text(encoding="utf-8")
        offered = re.findall(r'^    \{"(\w+)", ', text, re.MULTILINE)
        assert offered
        header = text.partition("*/")[0]
        missing = [
            name
            for name in offered
            if not re.search(rf"^ \*   {name} ", header, re.MULTILINE)
            or f"    def {name}(" not in native
            or not re.search(rf"\.{name}\(|\"{name}\"", compared)
        ]
        assert missing == []


def test_every_module_says_what_it_is_for() -> None:
    """Every module, test and example opens with a docstring."""
    assert [relative(p) for p in CODE if not ast.get_docstring(tree(p))] == []


def test_every_test_says_its_promise() -> None:
    """Every test function has a docstring whose first line is a sentence."""
    silent = [
        f"{where(path, function)} {function.name}"
        for path in TESTS
        for function in functions(path)
        if function.name.startswith("test_")
        and not (ast.get_docstring(function) or "").partition("\n")[0].rstrip().endswith((".", ":"))
    ]
    assert silent == []


def test_no_test_sleeps() -> None:
    """No test waits for time to pass: `sleep` is called with 0 (give way) or not at all."""
    sleepers = {"time.sleep", "asyncio.sleep", "sleep", "trio.sleep", "anyio.sleep"}
    found = [
        where(path, node)
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and dotted(node.func) in sleepers
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]
    assert found == []


def test_no_test_mocks() -> None:
    """No test replaces the real thing by a mock."""
    found = [
        where(path, node)
        for path in TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "mock" in {getattr(node, "module", ""), *(alias.name for alias in node.names)}
    ]
    assert found == []


def test_one_place_swallows_exceptions() -> None:
    """Only the guard swallows whatever comes: a handler of everything elsewhere raises it again or hands it on."""
    broad = [
        where(path, node)
        for path in SOURCES
        if relative(path) != THE_ONE_GUARD
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _passes_on(node)
    ]
    assert broad == []


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return not {dotted(each) for each in caught}.isdisjoint({"Exception", "BaseException"})


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether the handler ends by raising, or by keeping the error for somebody else (a generator's driver)."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) or (
        isinstance(last, ast.Assign) and dotted(last.value) == (handler.name or "-")
    )


def test_one_place_reads_the_environment() -> None:
    """Only `_core/settings.py` reads `os.environ`, so that one table tells every variable; and one is read sooner."""
    readers = {
        relative(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.getenv"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(alias.name in {"environ", "getenv"} for alias in node.names)
        )
    }
    assert readers == {THE_ONE_READER_OF_THE_ENVIRONMENT, ONE_VARIABLE_AT_IMPORT}


@pytest.mark.parametrize("path", WITHOUT_THE_SDK, ids=relative)
def test_the_otel_sdk_is_never_imported_with_a_module(path: Path) -> None:
    """No module imports the OpenTelemetry SDK at its top but those that only who asks for it loads."""
    imported = [
        where(path, node)
        for node in tree(path).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("opentelemetry.sdk")
    ]
    assert imported == []


def test_words_promise_something() -> None:
    """No docstring, comment or page praises; no class is named after nothing."""
    pages = [*SOURCES, *KERNELS, *sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    praise = [
        f"{relative(page)}: {word}"
        for page in pages
        for word in EMPTY_WORDS
        if word in page.read_text(encoding="utf-8").lower()
    ]
    names = [
        f"{where(path, node)} {node.name}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_NAMES)
    ]
    assert praise + names == []
