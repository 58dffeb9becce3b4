"""What an observation can say: each field under the names that backends read, and what cannot be used is named."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.spans import level_of, only, spans, value_of
from trackway import Trackway
from trackway.types import Level

LANGFUSE = "langfuse.observation."


def json_of(home: Path, key: str) -> object:
    """What the JSON under *key* of the only span says."""
    text = only(home).attributes.get(key)
    told: object = None if text is None else json.loads(str(text))
    return told


def test_every_field_can_be_given_at_the_start(home: Path, client: Trackway) -> None:
    """A generation with everything says everything, in every dialect."""
    client.start_observation(
        name="answer",
        as_type="generation",
        input=[{"role": "user", "content": "hi"}],
        output="hello",
        metadata={"attempt": 1, "route": "a"},
        version="v1",
        level="WARNING",
        status_message="slow",
        model="gpt-4o",
        model_parameters={"temperature": 0.5, "max_tokens": 100, "stop": ["."], "user": "x"},
        usage_details={"input": 10, "output": 5},
        cost_details={"input": 0.25, "output": 0.5},
        prompt={"name": "p", "version": 3},
    ).end()
    found = only(home)
    expected: dict[str, object] = {
        "langfuse.observation.type": "generation",
        "openinference.span.kind": "LLM",
        "gen_ai.operation.name": "chat",
        "input.value": '[{"role":"user","content":"hi"}]',
        "input.mime_type": "application/json",
        "output.value": "hello",
        "output.mime_type": "text/plain",
        "langfuse.observation.metadata.attempt": "1",
        "langfuse.observation.metadata.route": "a",
        "metadata": '{"attempt":"1","route":"a"}',
        "langfuse.version": "v1",
        "langfuse.observation.level": "WARNING",
        "langfuse.observation.status_message": "slow",
        "gen_ai.request.model": "gpt-4o",
        "llm.model_name": "gpt-4o",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.stop_sequences": (".",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 5,
        "llm.token_count.total": 15,
        "langfuse.observation.usage_details": '{"input":10,"output":5,"total":15}',
        "llm.cost.total": 0.75,
        "langfuse.observation.cost_details": '{"input":0.25,"output":0.5,"total":0.75}',
        "mlflow.llm.cost": '{"input_cost":0.25,"output_cost":0.5,"total_cost":0.75}',
        "langfuse.observation.prompt.name": "p",
        "langfuse.observation.prompt.version": 3,
        "gen_ai.prompt.name": "p",
        "langfuse.internal.is_app_root": True,
    }
    assert {key: found.attributes.get(key) for key in expected} == expected
    parameters = json.loads(str(found.attributes["llm.invocation_parameters"]))
    assert parameters == {"temperature": 0.5, "max_tokens": 100, "stop": ["."], "user": "x"}
    assert found.status_code == 0


def test_updates_replace_and_metadata_is_merged(home: Path, client: Trackway) -> None:
    """A field that is given again is replaced, None leaves it, metadata is replaced key by key."""
    observation = client.start_observation(name="first", input=1, metadata={"a": 1, "b": 1})
    assert observation.update(input=2, output=None, metadata={"b": 2}) is observation
    observation.update(name="second", metadata={"c": 3})
    observation.end()
    found = only(home)
    assert found.name == "second"
    assert value_of(found, "input") == 2
    assert "output.value" not in found.attributes
    assert json_of(home, "metadata") == {"a": "1", "b": "2", "c": "3"}


def test_the_current_observation_is_updated(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """The client's `update_current_…` reach the innermost observation, which keeps its kind; without one they warn."""
    with client.start_as_current_observation(name="outer"):
        with client.start_as_current_observation(name="inner", as_type="tool"):
            client.update_current_span(output="o")
            client.update_current_generation(model="gpt-4o")
            client.update_current_observation(metadata={"k": "v"})
    assert caplog.records == []
    client.update_current_span(output="nobody")
    found = only(home, "inner").attributes
    assert found["output.value"] == "o"
    assert found["gen_ai.request.model"] == "gpt-4o"
    assert found["langfuse.observation.type"] == "tool"
    assert "output.value" not in only(home, "outer").attributes
    assert "there is no current observation" in caplog.text


@pytest.mark.parametrize("level", ["DEBUG", "DEFAULT", "WARNING", "ERROR"])
def test_levels(home: Path, client: Trackway, level: Level) -> None:
    """Each level is recorded; ERROR sets the status of the span, with the message."""
    client.start_observation(name="o", level=level, status_message="why").end()
    status = (2, "why") if level == "ERROR" else (0, "")
    assert level_of(only(home)) == (*status, level)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("level", "FATAL"),
        ("level", ["ERROR"]),
        ("name", 7),
        ("status_message", 7),
        ("model", 7),
        ("model_parameters", ["temperature"]),
        ("usage_details", 7),
        ("usage_details", {"input": -1}),
        ("usage_details", {"input": "many"}),
        ("usage_details", {"input": True}),
        ("usage_details", {"input": float("nan")}),
        ("cost_details", {"total": float("inf")}),
        ("cost_details", {"total": -1}),
        ("cost_details", 7),
        ("version", 7),
        ("completion_start_time", "now"),
        ("prompt", {"name": "p"}),
        ("prompt", object()),
        ("no_such_field", 1),
    ],
)
def test_what_cannot_be_used_is_dropped_and_named(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, field: str, value: object
) -> None:
    """A wrong field is one WARNING that names it; the other fields of the same call are kept."""
    observation = client.start_observation(name="o")
    observation.update(**{field: value, "output": "kept"})  # type: ignore[arg-type]  # odd ones
    observation.end()
    assert value_of(only(home)) == "kept"
    (record,) = caplog.records
    assert field.removesuffix("_details") in record.message


def test_metadata_that_is_no_mapping_is_kept_as_one(home: Path, client: Trackway) -> None:
    """Metadata of an observation may be anything; keys that are no texts become texts."""
    client.start_observation(name="list", metadata=[1, 2]).end()
    client.start_observation(name="keys", metadata={7: "seven", None: "none", ("a",): "t"}).end()
    assert only(home, "list").attributes["metadata"] == '{"metadata":"[1,2]"}'
    told = json.loads(str(only(home, "keys").attributes["metadata"]))
    assert told == {"7": "seven", "null": "none", '["a"]': "t"}


def test_many_metadata_keys_push_nothing_out(home: Path, client: Trackway) -> None:
    """OpenTelemetry's limit of 128 attributes is not for ours: the user stays beside 1,000 keys."""
    with client.start_as_current_observation(name="o") as observation:
        client.trace(name="t", user_id="alice", metadata={f"k{n}": n for n in range(1_000)}).end()
        observation.update(metadata={f"k{n}": n for n in range(1_000)})
    trace = only(home, "t").attributes
    assert trace["user.id"] == "alice"
    assert sum(key.startswith("langfuse.trace.metadata.k") for key in trace) == 1_000
    assert (
        sum(key.startswith(LANGFUSE + "metadata.k") for key in only(home, "o").attributes) == 1_000
    )


def test_the_first_token(home: Path, client: Trackway) -> None:
    """The moment of the first token is recorded, and the seconds until then."""
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    first = start + timedelta(seconds=1.5)
    for moment in (first, first.astimezone().replace(tzinfo=None)):
        o = client.start_observation(name="o", start_time=start, completion_start_time=moment)
        o.end(start + timedelta(seconds=2))
    for found in spans(home):
        told = found.attributes[LANGFUSE + "completion_start_time"]
        assert told == "2026-03-01T12:00:01.500000Z"
        assert found.attributes["gen_ai.response.time_to_first_chunk"] == 1.5


@pytest.mark.parametrize(
    "prompt",
    [
        {"name": "p", "version": 3},
        {"name": "p", "version": "3", "labels": ["x"]},
        SimpleNamespace(name="p", version=3),
        SimpleNamespace(name="p", version=3, is_fallback=False),
    ],
)
def test_prompts_link(home: Path, client: Trackway, prompt: object) -> None:
    """A prompt is a mapping or an object with a name and a version."""
    client.start_observation(name="o", prompt=prompt).end()  # type: ignore[arg-type]  # shapes of others
    assert only(home).attributes[LANGFUSE + "prompt.name"] == "p"
    assert only(home).attributes[LANGFUSE + "prompt.version"] == 3


def test_a_fallback_prompt_links_to_nothing(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A prompt that was not fetched has no version to link to, which is no mistake."""
    prompt = SimpleNamespace(name="p", version=0, is_fallback=True)
    client.start_observation(name="o", prompt=prompt).end()
    assert LANGFUSE + "prompt.name" not in only(home).attributes
    assert caplog.records == []


def test_usage_and_cost_in_one_mapping(home: Path, client: Trackway) -> None:
    """`usage=` takes tokens and costs side by side, in the spellings that people use."""
    usage = {"prompt_tokens": 12, "completion_tokens": 1, "total_cost": Decimal("0.00004")}
    client.trace(name="t").generation(name="g", usage=usage).end()
    found = only(home, "g").attributes
    assert json.loads(str(found[LANGFUSE + "usage_details"])) == {"input": 12, "output": 1, "total": 13}  # fmt: skip
    assert json.loads(str(found[LANGFUSE + "cost_details"])) == {"total": 0.00004}


@pytest.mark.parametrize("wire", ["langfuse", "openinference"])
def test_a_slimmer_wire_carries_one_dialect(home: Path, wire: str) -> None:
    """With `wire` the other dialect's names are left out, and what all share stays."""
    client = Trackway(endpoint="http://127.0.0.1:9", wire=wire, retry_for=1)
    client.start_observation(
        name="o", as_type="generation", input="i", metadata={"k": "v"}, usage_details={"input": 1}
    ).end()
    (destination,) = (p.name for p in (home / "spool").iterdir() if p.is_dir())
    found = only(home, destination=destination).attributes
    assert found["input.value"] == "i"
    assert found["gen_ai.usage.input_tokens"] == 1
    assert ("openinference.span.kind" in found) == (wire == "openinference")
    assert (LANGFUSE + "usage_details" in found) == (wire == "langfuse")


@pytest.mark.parametrize("name", ["\ud800", "k" * 3_000, "audio_tokens"])
def test_what_a_provider_counts_is_kept_whatever_its_names(
    home: Path, client: Trackway, name: str
) -> None:
    """The raw usage of an ordinary call is recorded; a name that is no text, or endless, costs nothing but itself."""
    said = {
        "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 1, name: 0}, "completion_tokens_details": None,
    }  # fmt: skip
    client.start_observation(name="e", as_type="generation", usage_details=said).end()
    raw = json_of(home, "trackway.usage.raw")
    assert isinstance(raw, dict)
    assert raw["prompt_tokens"] == 3
    assert only(home).attributes["gen_ai.usage.input_tokens"] == 3


def test_a_bucket_named_like_a_total_is_none(home: Path, client: Trackway) -> None:
    """What is called after the total in somebody's own costs is not added to it a second time."""
    costs = {"input": 0.5, "total_extra": 0.25, "total": 1.0}
    client.start_observation(name="e", as_type="generation", cost_details=costs).end()
    told = json_of(home, "mlflow.llm.cost")
    assert told == {"input_cost": 0.5, "total_cost": 1.0}
