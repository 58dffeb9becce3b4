"""What a real MLflow makes of our spans, read back through its REST interface and its own client."""

import json
import os
import subprocess
from typing import Final

import pytest
from dirty_equals import IsPartialDict

from tests.conformance import environments
from tests.conformance.calling import CALLS, send_calls
from tests.conformance.calling import TOKENS as CALLED
from tests.conformance.sending import KINDS, MESSAGES, send
from tests.conformance.servers import request

pytestmark = pytest.mark.timeout(600)

COST: Final = {"input_cost": 0.25, "output_cost": 0.5, "total_cost": 0.75}
TOKENS: Final = {
    "input_tokens": 100,
    "output_tokens": 25,
    "total_tokens": 125,
    "cache_read_input_tokens": 90,
}
# Runs in MLflow's environment: its client, as its users call it.
CLIENT: Final = """
import json, sys
from mlflow import MlflowClient
print(json.dumps([{
    span.name: {
        "type": span.span_type, "status": span.status.status_code.value, "description": span.status.description,
        "inputs": span.inputs, "outputs": span.outputs, "attributes": span.attributes,
        "events": [event.name for event in span.events], "root": span.parent_id is None,
    } for span in trace.data.spans
} for trace in MlflowClient(sys.argv[1]).search_traces(locations=[sys.argv[2]])]))
"""


def created(url: str, name: str) -> str:
    """The id of a new experiment."""
    answer = request(f"{url}/api/2.0/mlflow/experiments/create", {"name": name})
    assert isinstance(answer, dict)
    return str(answer["experiment_id"])


def read(url: str, experiment: str) -> list[dict[str, dict[str, object]]]:
    """The spans of each trace of an experiment by name, as MLflow's own client has them."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [environments.interpreter("mlflow"), "-c", CLIENT, url, experiment],
        capture_output=True, text=True, timeout=300, check=False, env=clean | {"DO_NOT_TRACK": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, dict[str, object]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def sent(url: str, name: str) -> tuple[str, str]:
    """Sends the trace into an experiment of its own; the experiment's id, the trace's."""
    experiment = created(url, name)
    return experiment, send(url, name, {"x-mlflow-experiment-id": experiment})


def test_the_trace_is_told_over_rest(mlflow: str) -> None:
    """User, session, tokens, our cost, input and output of the trace; and it is found by its user."""
    experiment, trace_id = sent(mlflow, "rest")
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    query = {
        "locations": [place],
        "filter": "metadata.`mlflow.trace.user` = 'zoë'",
        "max_results": 5,
    }
    answer = request(f"{mlflow}/api/3.0/mlflow/traces/search", query)
    assert isinstance(answer, dict)
    (found,) = answer["traces"]
    assert found["trace_id"] == f"tr-{trace_id}"
    told = found["trace_metadata"]
    assert told == IsPartialDict({"mlflow.trace.user": "zoë", "mlflow.trace.session": "chat-rest"})
    assert json.loads(told["mlflow.trace.tokenUsage"]) == TOKENS
    assert json.loads(told["mlflow.trace.cost"]) == COST
    assert (found["request_preview"], found["response_preview"]) == (
        '"a question"',
        '"an answer"',
    )
    whole = request(f"{mlflow}/api/3.0/mlflow/traces/tr-{trace_id}")
    assert isinstance(whole, dict)
    assert whole["trace"]["trace_info"]["trace_metadata"] == told


def test_every_field_arrives_for_its_client(mlflow: str) -> None:
    """Kinds, input, output, model, parameters, tokens, cost, tags, metadata, the error and the score of each span."""
    experiment, _ = sent(mlflow, "client")
    (spans,) = read(mlflow, experiment)
    for kind, word in KINDS.items():
        assert spans[f"a {kind}"] == IsPartialDict(
            {"type": word, "inputs": {"k": kind}, "outputs": [kind]}
        )
    for span in spans.values():
        assert span["attributes"] == IsPartialDict(
            {"user.id": "zoë", "session.id": "chat-client", "tag.tags": ["a", "b,c"]}
        )
    root, reply, failed = spans["handle"], spans["reply"], spans["fails"]
    assert root == IsPartialDict(
        {"root": True, "type": "AGENT", "inputs": "a question", "outputs": "an answer"}
    )
    assert root["attributes"] == IsPartialDict({"metadata": {"plan": "gold", "try": "1"}})
    assert reply == IsPartialDict({"type": "LLM", "inputs": MESSAGES})
    assert reply["attributes"] == IsPartialDict({
        "mlflow.llm.model": "gpt-4o", "mlflow.llm.cost": COST, "mlflow.chat.tokenUsage": TOKENS,
        "llm.invocation_parameters": {"temperature": 0.5},
    })  # fmt: skip
    assert failed == IsPartialDict({
        "status": "ERROR", "description": "LookupError: no such word", "events": ["exception"],
    })  # fmt: skip
    assert spans["gen_ai.evaluation.result"]["attributes"] == IsPartialDict(
        {"gen_ai.evaluation.name": "quality", "gen_ai.evaluation.score.value": 0.75}
    )


def test_calls_of_the_integrations(mlflow: str) -> None:
    """The OpenAI wrapper's calls and the handler's chain: kinds, messages, tokens, model, cost, user, the error."""
    experiment = created(mlflow, "calls")
    send_calls(mlflow, "calls", {"x-mlflow-experiment-id": experiment})
    spans = {name: span for trace in read(mlflow, experiment) for name, span in trace.items()}
    assert {name: span["type"] for name, span in spans.items()} == CALLS
    for name in ("whole", "streamed", "ChatOpenAI"):
        told = spans[name]["attributes"]
        assert told == IsPartialDict({"user.id": "zoë", "session.id": "chat-calls"})
        assert isinstance(told, dict)
        assert told["mlflow.chat.tokenUsage"] == IsPartialDict(
            {"input_tokens": CALLED[0], "output_tokens": CALLED[1]}
        )
        assert "gpt-4o" in told["mlflow.llm.model"]
        # 15 tokens at $2.50 a million, 4 from the provider's cache at $1.25, 10 at $10.
        assert told["mlflow.llm.cost"]["total_cost"] == pytest.approx(0.0001425)
        assert "ein Gruß" in json.dumps(spans[name]["inputs"], ensure_ascii=False)
        assert "Forty-two" in json.dumps(spans[name]["outputs"])
    assert spans["refused"]["status"] == "ERROR"
    assert "no such model" in str(spans["refused"]["description"])
