"""Tests for `trackway._wire.attributes`: names are a contract with every backend, so they change on purpose only."""

from pathlib import Path

from tests._wire.spans import parsed
from trackway._wire import attributes, encode

GOLDEN = Path(__file__).with_name("attributes.txt")


def constants() -> dict[str, str]:
    """Every name in the table, by its constant."""
    return {
        constant: name
        for constant, name in vars(attributes).items()
        if constant.isupper() and isinstance(name, str)
    }


def test_the_names_are_the_agreed_ones() -> None:
    """Every attribute name is the one in the golden file beside this test; what is read or written changes with it."""
    table = "".join(f"{constant} = {name}\n" for constant, name in constants().items())
    assert table == GOLDEN.read_text(encoding="utf-8")


def test_no_name_has_two_constants() -> None:
    """Two constants never stand for one name."""
    names = list(constants().values())
    assert len(set(names)) == len(names)


def test_every_name_belongs_to_one_dialect() -> None:
    """Each attribute name is in exactly one group; only what is no attribute is in none."""
    grouped = [name for group in attributes.DIALECTS.values() for name in group]
    assert len(set(grouped)) == len(grouped)
    others = {attributes.SCOPE_NAME, attributes.EVALUATION_SPAN_NAME}
    assert set(grouped) | others == set(constants().values())
    assert not others & set(grouped)


def test_prefixes_end_where_a_key_begins() -> None:
    """A constant is called a prefix if its name ends in a dot, and only then."""
    wrong = {c: n for c, n in constants().items() if c.endswith("_PREFIX") != n.endswith(".")}
    assert wrong == {}


def test_kinds_have_the_words_that_backends_know() -> None:
    """Each kind maps to a span kind of OpenInference and, where a model or tool is called, an operation of GenAI."""
    assert set(attributes.OPENINFERENCE_KINDS.values()) == {
        "LLM", "CHAIN", "TOOL", "AGENT", "RETRIEVER", "EMBEDDING", "GUARDRAIL", "EVALUATOR",
    }  # fmt: skip
    assert set(attributes.GEN_AI_OPERATIONS) <= set(attributes.OPENINFERENCE_KINDS)


def test_every_name_survives_the_wire() -> None:
    """A span with every attribute there is has each of them once."""
    span = encode.span(
        trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"", name="n", kind=1, start=1, end=2,
        attributes=encode.attributes(dict.fromkeys(constants().values(), "x")),
    )  # fmt: skip
    assert [pair.key for pair in parsed(span).attributes] == list(constants().values())
