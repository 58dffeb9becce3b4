"""What the documentation says is so: its code runs, its tables are the program's.

`python tests/test_docs.py` writes the table of settings into docs/configuration.md anew.
"""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from trackway._core.specs import SPECS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIGURATION = ROOT / "docs" / "configuration.md"
SOURCES = [
    path
    for path in sorted((ROOT / "src").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
TABLE = re.compile(r"(<!-- settings: [^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)


def settings_table() -> str:
    """The rows that docs/configuration.md must show, made from the program's own table."""
    lines = ["| argument | variable | default | meaning |", "|---|---|---|---|"]
    for spec in SPECS:
        variables = ", ".join(f"`{variable}`" for variable in spec.variables)
        lines.append(f"| `{spec.name}` | {variables} | {spec.default} | {spec.meaning} |")
    return "\n".join(lines)


def configuration_page() -> str:
    """docs/configuration.md with the table as it should be."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    return TABLE.sub(lambda found: f"{found[1]}\n{settings_table()}\n\n{found[2]}", text)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_setting_is_documented() -> None:
    """docs/configuration.md shows every setting, variable and default of `_core/specs.py`, and no other."""
    assert CONFIGURATION.read_text(encoding="utf-8") == configuration_page()
    assert TABLE.search(CONFIGURATION.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_in_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python of a page runs from top to bottom, in an empty directory, without output on stderr."""
    monkeypatch.chdir(tmp_path)
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(page)
    for example in document.examples():
        example.evaluate()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_examples_in_docstrings_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every `>>>` in a docstring gives what it shows."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(module_name(path))
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("module", ["trackway", "trackway.langchain", "trackway.testing"])
def test_every_public_name_has_an_example(module: str) -> None:
    """Every public function and class of a public module shows how it is used."""
    public = importlib.import_module(module)
    objects = {name: getattr(public, name) for name in public.__all__}
    silent = [
        name
        for name, value in objects.items()
        if (inspect.isclass(value) or inspect.isroutine(value))
        and not issubclass(value if inspect.isclass(value) else object, Exception | dict)
        and ">>>" not in (inspect.getdoc(value) or "")
    ]
    assert silent == []


if __name__ == "__main__":
    CONFIGURATION.write_text(configuration_page(), encoding="utf-8")
