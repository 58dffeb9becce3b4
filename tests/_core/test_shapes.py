"""How much is found of what others look for, and how little of what is ordinary: both figures are printed."""

import ast
import importlib.metadata
import json
import pydoc_data.topics
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests._core.corpus import AROUND, clean_text
from tests._core.vendors import ASSIGNED, named, shaped
from trackway._core.redact import redact, redact_text
from trackway._core.serialize import serialize

EACH = 40


def kept(text: str, secret: str) -> bool:
    """Whether the end of *secret*, which tells it from its like, is still in *text* after redaction."""
    return secret[-10:] in redact_text(text)


def test_recall_of_secrets_that_a_vendor_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 99 % of secrets in the formats of 160 vendors are found, wherever they stand in a text."""
    missed: dict[str, int] = {}
    asked = 0
    for vendor, make in shaped().items():
        r = random.Random(vendor)
        for _ in range(EACH):
            secret = make(r)
            before, after = r.choice(AROUND)
            asked += 1
            missed[vendor] = missed.get(vendor, 0) + kept(
                f"{clean_text(r)} {before}{secret}{after}", secret
            )
    recall = 1 - sum(missed.values()) / asked
    with capsys.disabled():
        print(f"\nrecall of shapes: {recall:.2%} of {asked:,}")
    assert recall >= 0.99, {vendor: n for vendor, n in missed.items() if n}


def test_recall_of_secrets_that_only_a_name_tells(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 99 % of secrets without a format are found where a text assigns them to their name."""
    missed: dict[str, int] = {}
    asked = 0
    for name, make in named().items():
        r = random.Random(name)
        for _ in range(EACH):
            style, value = r.choice(ASSIGNED), make(r)
            asked += 1
            missed[style] = missed.get(style, 0) + kept(style.format(name=name, value=value), value)
    recall = 1 - sum(missed.values()) / asked
    with capsys.disabled():
        print(f"\nrecall of names: {recall:.2%} of {asked:,}")
    assert recall >= 0.99, {style: n for style, n in missed.items() if n}


def test_json_stays_json() -> None:
    """Whatever is replaced in a JSON text, JSON in JSON included, it is JSON afterwards."""
    r = random.Random(3)
    for make in (*shaped().values(), *named().values()):
        secret = make(r)
        inner = json.dumps({"note": f"API_KEY={secret} and '{secret}'", "n": 1})
        data, _ = serialize({"arguments": inner, "text": [f"api_key='{secret}'", secret]})
        clean = json.loads(redact(data))
        assert json.loads(clean["arguments"])["n"] == 1


def documentation() -> Iterator[str]:
    """Paragraphs of the documentation on this disk: the language's, its library's, and that of what is installed."""
    texts: list[str] = [str(text) for text in pydoc_data.topics.topics.values()]
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        texts += docstrings(path)
    for distribution in importlib.metadata.distributions():
        texts.append(distribution.read_text("METADATA") or "")
        for file in sorted(file for file in distribution.files or () if file.suffix == ".py")[:40]:
            texts += docstrings(Path(str(distribution.locate_file(file))))
    seen = {paragraph.strip() for text in texts for paragraph in text.split("\n\n")}
    yield from sorted(paragraph for paragraph in seen if len(paragraph) > 20)


def docstrings(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds)]


def test_documentation_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """At most one in a thousand paragraphs of the documentation on this disk is changed."""
    paragraphs = list(documentation())
    changed = [text for text in paragraphs if redact_text(text) is not text]
    rate = len(changed) / len(paragraphs)
    with capsys.disabled():
        print(f"\nfalse positives: {rate:.3%} of {len(paragraphs):,} paragraphs")
    assert len(paragraphs) > 10_000
    assert rate <= 0.001, [redact_text(text)[:300] for text in changed[:10]]
