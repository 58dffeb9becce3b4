"""What other tracers send becomes right rows: recordings of the real ones, see `tests/data/record.py`."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._store import dialects, normalize
from trackway._store.rows import COLUMNS, OBSERVATIONS, Row
from trackway._wire import attributes as names
from trackway._wire.decode import decode_request
from trackway._wire.encode import AttributeValue

RECORDED = Path(__file__).parents[1] / "data"


def rows(sender: str) -> dict[str, Row]:
    """The rows of a recording, by the names of their spans."""
    found: dict[str, Row] = {}
    for resource, _, span in decode_request((RECORDED / f"{sender}.otlp").read_bytes()):
        assert names.TRACKWAY_PROJECT not in resource
        found[span.name] = normalize.observation(span, normalize.base(resource), ours=False)
    return found


def picked(row: Row, *columns: str) -> tuple[object, ...]:
    return tuple(row.get(column) for column in columns)


@pytest.mark.parametrize("sender", ["langfuse", "otel"])
def test_rows_of_others_have_the_columns_of_ours(sender: str) -> None:
    """A dozen spans of each sender, one row each, and no column that the table does not have."""
    found = rows(sender)
    assert len(found) >= 11
    for row in found.values():
        assert set(row) <= set(COLUMNS[OBSERVATIONS])


def test_the_langfuse_sdk_says_whose_every_span_is() -> None:
    """User, session, tags, trace name, version, environment and release of its SDK stand on every row."""
    for row in rows("langfuse").values():
        assert picked(row, "user_id", "session_id", "trace_name", "version") == (
            "zoë",
            "chat-1",
            "support",
            "v2",
        )
        assert picked(row, "environment", "release", "tags") == ("staging", "r7", ["a", "b,c"])
        assert json.loads(str(row["trace_metadata"])) == {"plan": "gold", "seats": "3"}
        assert "attributes" not in row


def test_the_kinds_of_the_langfuse_sdk_are_ours() -> None:
    """Each of its kinds, also of its decorator and its events."""
    kinds = {name: row["type"] for name, row in rows("langfuse").items()}
    named = {name: kind for name, kind in kinds.items() if name.startswith("a ")}
    assert named == {name: name[2:].upper() for name in named}
    assert len(named) == 8
    assert (kinds["reply"], kinds["look_up"], kinds["sent"], kinds["handle"]) == (
        "GENERATION",
        "TOOL",
        "EVENT",
        "SPAN",
    )


def test_a_generation_of_the_langfuse_sdk_is_whole() -> None:
    """Model, parameters, disjoint tokens, cost, time to the first token, input and output."""
    row = rows("langfuse")["reply"]
    assert picked(row, "model", "input_tokens", "output_tokens", "total_tokens") == (
        "gpt-4o",
        100,
        25,
        125,
    )
    assert json.loads(str(row["model_parameters"])) == {"temperature": 0.5, "max_tokens": 64}
    assert row["cost_total"] == 1_200_000_000
    assert json.loads(str(row["input"])) == [{"role": "user", "content": "a question"}]
    assert json.loads(str(row["output"])) == {"role": "assistant", "content": "an answer"}
    assert row["completion_start_time"] == 1_768_478_400_250_000
    assert row["billable"] is True


def test_metadata_of_the_langfuse_sdk_is_what_was_given() -> None:
    """It writes texts as JSON texts; here they are texts again, and what was no text is told by its JSON."""
    row = rows("langfuse")["handle"]
    assert json.loads(str(row["metadata"])) == {"try": "1", "who": '{"is":"it"}', "note": "n"}
    assert picked(row, "level", "status", "status_message") == ("WARNING", "OK", "not found")
    assert picked(row, "input", "output") == ("a question", "an answer")
    assert row["root_order"] == row["start_time"]


def test_an_error_of_the_langfuse_sdk_is_one() -> None:
    """Its level and status say so."""
    row = rows("langfuse")["fails"]
    assert picked(row, "level", "status", "status_message") == ("ERROR", "ERROR", "no such word")


def test_the_resource_of_others_names_project_and_service() -> None:
    """The project comes from OpenInference's name of it, the environment from OpenTelemetry's."""
    for row in rows("otel").values():
        assert picked(row, "project", "service", "environment") == ("shopping", "shop", "staging")


def test_a_call_in_opentelemetrys_words_is_a_generation() -> None:
    """User, session, provider, the model that answered, parameters, disjoint tokens, messages."""
    row = rows("otel")["chat gpt-4o"]
    assert picked(row, "type", "user_id", "session_id", "provider", "model") == (
        "GENERATION",
        "zoë",
        "chat-1",
        "openai",
        "gpt-4o-2024-08-06",
    )
    assert json.loads(str(row["model_parameters"])) == {
        "temperature": 0.5,
        "max_tokens": 64,
        "stop_sequences": ["\n"],
    }
    assert json.loads(str(row["usage_details"])) == {
        "input": 10,
        "input_cached_tokens": 80,
        "input_cache_creation": 10,
        "output": 5,
        "output_reasoning_tokens": 20,
        "total": 125,
    }
    assert json.loads(str(row["input"]))[0]["role"] == "user"
    assert json.loads(str(row["output"]))[0]["role"] == "assistant"
    assert row["time_to_first_token_us"] == 250_000
    assert set(json.loads(str(row["attributes"]))) == {
        "gen_ai.response.id",
        "gen_ai.system_instructions",
    }


def test_names_that_opentelemetry_has_given_up_are_read() -> None:
    """Counts and messages as instrumentations wrote them before the conventions changed."""
    row = rows("otel")["text_completion old"]
    assert picked(row, "type", "provider", "model", "input_tokens", "output_tokens") == (
        "GENERATION",
        "openai",
        "davinci",
        7,
        3,
    )
    assert json.loads(str(row["input"])) == [
        {"role": "user", "content": "a question"},
        {"role": "user", "content": "another"},
    ]
    assert json.loads(str(row["output"])) == [{"role": "assistant", "content": "an answer"}]
    assert "attributes" not in row


def test_tools_agents_and_embeddings_are_known_in_opentelemetrys_words() -> None:
    """The operation is the kind; a tool has its arguments and result."""
    found = rows("otel")
    tool = found["execute_tool look_up"]
    assert picked(tool, "type", "input", "output") == ("TOOL", '{"word": "ä"}', '{"found": 2}')
    assert found["invoke_agent helper"]["type"] == "AGENT"
    assert picked(found["embeddings e-3"], "type", "total_tokens") == ("EMBEDDING", 4)


def test_a_call_in_openinferences_words_is_a_generation() -> None:
    """Model, provider, tokens, cost, messages by index, tags and the one metadata object."""
    row = rows("otel")["ChatCompletion"]
    assert picked(row, "type", "user_id", "session_id", "provider", "model", "tags") == (
        "GENERATION",
        "yan",
        "chat-2",
        "anthropic",
        "claude-4",
        ["x", "y"],
    )
    assert json.loads(str(row["usage_details"])) == {
        "input": 10,
        "input_cached_tokens": 2,
        "output": 4,
        "total": 16,
    }
    assert json.loads(str(row["cost_details"])) == {
        "input": 1_000_000_000,
        "output": 2_000_000_000,
        "total": 3_000_000_000,
    }
    assert json.loads(str(row["model_parameters"])) == {"temperature": 0.1}
    assert json.loads(str(row["input"])) == [{"role": "user", "content": "a question"}]
    assert json.loads(str(row["output"])) == [{"role": "assistant", "content": "an answer"}]
    assert json.loads(str(row["metadata"])) == {"plan": "gold", "seats": "3"}
    assert "attributes" not in row


def test_retrievers_rerankers_and_strangers() -> None:
    """A reranker retrieves; a span that no dialect knows is a span with its attributes."""
    found = rows("otel")
    assert picked(found["Retriever"], "type", "input", "output") == (
        "RETRIEVER",
        "a question",
        '["d"]',
    )
    assert found["Reranker"]["type"] == "RETRIEVER"
    assert found["GET /"]["type"] == "SPAN"
    assert json.loads(str(found["GET /"]["attributes"]))["http.request.method"] == "GET"


def test_an_error_of_opentelemetrys_sdk_has_its_exception() -> None:
    """Status, message and the exception's event."""
    row = rows("otel")["fails"]
    assert picked(row, "status", "status_message") == ("ERROR", "LookupError: no such word")
    assert json.loads(str(row["exception"]))["type"] == "LookupError"


def test_a_model_alone_makes_a_generation() -> None:
    """Who names a model and no kind called it."""
    assert dialects.kind({}, has_model=True) == "GENERATION"
    assert dialects.kind({"gen_ai.operation.name": "invoke_workflow"}, has_model=True) == "CHAIN"


def test_quotes_in_our_own_metadata_stay() -> None:
    """Only what the Langfuse SDK encoded is decoded; what is no JSON text stays as it is."""
    told: dict[str, AttributeValue] = {"a": '"gold"', "b": '"gold', "c": "gold", "d": 3}
    assert dialects.unquoted(told) == {**told, "a": "gold"}


VALUES = st.one_of(st.text(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats())
NAMES = st.one_of(
    st.from_regex(r"(llm\.input_messages|gen_ai\.prompt)\.[0-9٣²]*\.?[a-z.]*", fullmatch=True),
    st.sampled_from(["gen_ai.request.temperature", "gen_ai.usage.cost", "llm.cost.prompt"]),
)


@given(st.dictionaries(NAMES, VALUES))
def test_no_message_in_pieces_makes_a_row_impossible(found: dict[str, AttributeValue]) -> None:
    """Whatever stands under the indexed names, it is gathered or stays an attribute, and is JSON."""
    other = dict(found)
    for text in dialects.messages(other).values():
        assert json.loads(text)
    assert other.items() <= found.items()
    json.loads(dialects.parameters(found) or "{}")
