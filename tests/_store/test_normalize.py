"""One span, one row."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._store.spans import NOON, Attributes, generation, payload, span_id, trace_id
from trackway._store import normalize
from trackway._store.rows import COLUMNS, OBSERVATIONS, SCORES, Row
from trackway._wire import encode
from trackway._wire.decode import decode_span

SHARED: Row = {"project": "shop", "service": "service"}


def row_of(attributes: Attributes, **more: object) -> Row:
    return normalize.observation(decode_span(payload(2, attributes, **more)), SHARED)  # type: ignore[arg-type]  # forwarded


def test_a_span_keeps_its_ids_times_and_place() -> None:
    """Ids are hex, times are microseconds, and a span without a parent is a root."""
    row = row_of({}, trace=7, name="answer", seconds=1.5)
    assert row["trace_id"] == trace_id(7)
    assert row["span_id"] == span_id(2)
    assert row["parent_id"] is None
    assert row["name"] == "answer"
    assert row["start_time"] == NOON // 1_000
    assert row["end_time"] == NOON // 1_000 + 1_500_000
    assert row["root_order"] == NOON // 1_000


def test_the_root_of_an_applications_part_ranks_behind_a_root_without_parent() -> None:
    """What another service called is a root too, but not the trace's when that one is there."""
    part = row_of({"langfuse.internal.is_app_root": True}, parent=1)
    inner = row_of({}, parent=1)
    whole = row_of({})
    assert isinstance(part["root_order"], int)
    assert isinstance(whole["root_order"], int)
    assert whole["root_order"] < part["root_order"]
    assert "root_order" not in inner


def test_every_column_of_a_row_exists() -> None:
    """Whatever a span carries, its row names only columns of the table."""
    attributes = {
        **generation(user="ana", tokens=(1, 2), cost=0.5),
        "session.id": "s",
        "langfuse.trace.tags": ("a",),
        "langfuse.trace.metadata.plan": "gold",
        "langfuse.observation.metadata.try": "1",
        "langfuse.observation.completion_start_time": "2026-01-15T12:00:00.250000Z",
        "input.value": "in",
        "own": 1,
    }
    row = row_of(attributes, events=encode.event("exception", NOON, {"exception.type": "KeyError"}))
    assert set(row) <= set(COLUMNS[OBSERVATIONS])


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"langfuse.observation.type": "agent"}, "AGENT"),
        ({"openinference.span.kind": "LLM"}, "GENERATION"),
        ({"gen_ai.operation.name": "execute_tool"}, "TOOL"),
        ({}, "SPAN"),
    ],
)
def test_the_kind_is_read_from_whichever_block_was_written(
    attributes: Attributes, kind: str
) -> None:
    """A slimmer `wire` setting leaves the kind readable."""
    assert row_of(attributes)["type"] == kind


def test_usage_is_counted_inclusively_from_disjoint_buckets() -> None:
    """Cached tokens are part of the input, reasoning tokens of the output."""
    usage = {
        "input": 10,
        "input_cached_tokens": 90,
        "output": 5,
        "output_reasoning_tokens": 20,
        "total": 125,
    }
    row = row_of({"langfuse.observation.usage_details": json.dumps(usage)})
    assert (row["input_tokens"], row["output_tokens"], row["total_tokens"]) == (100, 25, 125)
    assert json.loads(str(row["usage_details"])) == usage


def test_inclusive_counts_become_disjoint_buckets() -> None:
    """Without the Langfuse block the OpenTelemetry counts say the same."""
    counts = {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.usage.cache_read.input_tokens": 90,
    }
    row = row_of(counts)
    assert json.loads(str(row["usage_details"])) == {
        "input": 10,
        "output": 25,
        "input_cached_tokens": 90,
        "total": 125,
    }
    assert row["input_tokens"] == 100


def test_a_cost_is_read_from_whichever_block_was_written() -> None:
    """Langfuse's details come first, then MLflow's, then OpenInference's total."""
    langfuse = '{"input": 0.1, "output": 0.2, "total": 0.3}'
    assert row_of({"langfuse.observation.cost_details": langfuse})["cost_total"] == 300_000_000_000
    assert row_of({"mlflow.llm.cost": '{"total_cost": 0.5}'})["cost_total"] == 500_000_000_000
    assert row_of({"llm.cost.total": 0.25})["cost_total"] == 250_000_000_000


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"total": "much"}', '{"total": NaN}', '{"total": -1}', "null"]
)
def test_what_is_no_cost_is_unpriced(text: str) -> None:
    """A cost that cannot be understood is none, never zero."""
    assert "cost_total" not in row_of(generation() | {"langfuse.observation.cost_details": text})


@given(st.decimals(min_value=0, max_value=1_000_000, allow_nan=False, places=15))
def test_money_is_rounded_half_to_even_to_whole_pico_dollars(amount: Decimal) -> None:
    """The pico-dollars of an amount are the nearest whole number, the even one of two."""
    assert normalize.pico(amount) == round(Fraction(amount) * 10**12)


@given(st.floats(min_value=0, max_value=1e6))
def test_a_float_means_its_shortest_text(amount: float) -> None:
    """0.1 is a tenth of a dollar, not the binary number beside it."""
    assert normalize.pico(amount) == round(Fraction(repr(amount)) * 10**12)


@pytest.mark.parametrize(
    "amount", [Decimal("1E+999999"), Decimal("NaN"), float("inf"), True, "1", None, -1, 10**8]
)
def test_what_is_no_amount_has_no_pico_dollars(amount: object) -> None:
    """No number that a span can carry makes the reader compute for long, or wrongly."""
    assert normalize.pico(amount) is None


def test_metadata_is_kept_by_whom_it_was_meant_for() -> None:
    """What was propagated belongs to the trace, the rest to the observation."""
    row = row_of(
        {
            "langfuse.trace.metadata.plan": "gold",
            "langfuse.observation.metadata.a.b": "[1]",
            "metadata": "{}",
        }
    )
    assert json.loads(str(row["trace_metadata"])) == {"plan": "gold"}
    assert json.loads(str(row["metadata"])) == {"a.b": "[1]"}


def test_the_one_metadata_object_is_read_where_it_is_the_only_one() -> None:
    """With `wire` set to openinference metadata is still there."""
    assert json.loads(str(row_of({"metadata": '{"plan": "gold", "n": 3}'})["metadata"])) == {
        "plan": "gold",
        "n": "3",
    }


def test_attributes_of_others_stay() -> None:
    """Nothing that was set through OpenTelemetry's API is lost, bytes included."""
    row = row_of({"http.status_code": 200, "raw": b"\xff", "list": (1, 2)})
    assert json.loads(str(row["attributes"])) == {
        "http.status_code": 200,
        "raw": "ff",
        "list": [1, 2],
    }


def test_an_exception_is_kept_with_its_stack() -> None:
    """The exception that ended an observation has a place of its own, other events another."""
    event = encode.event(
        "exception", NOON, {"exception.type": "KeyError", "exception.message": "k"}
    )
    row = row_of({}, error="KeyError: k", events=event + encode.event("retry", NOON, {"n": 1}))
    assert json.loads(str(row["exception"]))["type"] == "KeyError"
    assert json.loads(str(row["events"])) == [
        {"name": "retry", "time_unix_nano": NOON, "attributes": {"n": 1}}
    ]
    assert (row["status"], row["level"], row["status_message"]) == ("ERROR", "ERROR", "KeyError: k")


def test_the_time_to_the_first_token_is_read_either_way() -> None:
    """From the moment itself, or from the seconds until then."""
    moment = {"langfuse.observation.completion_start_time": "2026-01-15T12:00:00.250000Z"}
    assert row_of(moment)["time_to_first_token_us"] == 250_000
    assert row_of({"gen_ai.response.time_to_first_chunk": 0.5})["time_to_first_token_us"] == 500_000
    assert "time_to_first_token_us" not in row_of(
        {"langfuse.observation.completion_start_time": "soon"}
    )


def test_a_score_is_a_row_of_its_own() -> None:
    """A score names its target and what it says."""
    span = decode_span(
        payload(
            9,
            {
                "trackway.score.id": "id",
                "trackway.score.trace_id": trace_id(1),
                "trackway.score.data_type": "NUMERIC",
                "gen_ai.evaluation.name": "success",
                "gen_ai.evaluation.score.value": 0.75,
                "gen_ai.evaluation.explanation": "why",
            },
            name="gen_ai.evaluation.result",
        )
    )
    assert normalize.is_score(span)
    row = normalize.score(span, SHARED)
    assert set(row) <= set(COLUMNS[SCORES])
    assert (row["score_id"], row["name"], row["value"], row["comment"]) == (
        "id",
        "success",
        0.75,
        "why",
    )


def test_a_users_own_span_of_that_name_is_no_score() -> None:
    """Only what carries a score's id is one."""
    assert not normalize.is_score(decode_span(payload(9, {}, name="gen_ai.evaluation.result")))


def test_the_project_is_the_resources() -> None:
    """The project comes from the resource, else the service's name stands for it."""
    assert normalize.base({"trackway.project": "p", "service.name": "s"})["project"] == "p"
    assert normalize.base({"service.name": "s"})["project"] == "s"
    assert normalize.base({})["project"] == "default"


VALUES = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(),
    st.tuples(st.text(), st.text()),
)
NAMES = st.sampled_from(
    sorted(
        {
            "user.id", "session.id", "langfuse.trace.tags", "langfuse.observation.usage_details",
            "gen_ai.usage.input_tokens", "langfuse.observation.cost_details", "llm.cost.total", "metadata",
            "langfuse.observation.type", "input.value",
            "langfuse.trace.metadata.x", "gen_ai.response.time_to_first_chunk", "langfuse.observation.prompt.version",
            "langfuse.observation.completion_start_time", "llm.token_count.prompt", "other",
        }
    )
)  # fmt: skip


@given(st.dictionaries(NAMES, VALUES))
def test_no_attribute_value_makes_a_row_impossible(attributes: dict[str, object]) -> None:
    """Whatever stands under our own names, there is a row, and it is JSON."""
    row = row_of(attributes)  # type: ignore[arg-type]  # hypothesis's union is wider than the checker sees
    assert set(row) <= set(COLUMNS[OBSERVATIONS])
    json.dumps(row)
