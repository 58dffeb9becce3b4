"""Libraries that others instrument: each example, in an environment of its own, gives one trace of the right user."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conformance import environments
from tests.providers import openai as shapes
from tests.providers.server import Provider, answer, routed
from trackway._store.local import LocalStore

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "llama_index": "llama_index_queries",
    "litellm": "litellm_calls",
    "pydantic_ai": "pydantic_ai_agent",
    "openai_agents": "openai_agents_run",
}
# The application's own SDK, joined, in place of our provider.
JOINED = """
import runpy, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from trackway import attach, get_client
trace.set_tracer_provider(TracerProvider())
get_client()
assert attach()
runpy.run_path(sys.argv[1])["main"](trace.get_tracer_provider())
"""


def test_every_example_is_run_here() -> None:
    """No example of a library is left without a test."""
    found = {path.stem for path in (ROOT / "examples" / "libraries").glob("*.py")}
    assert found == set(EXAMPLES.values())


@pytest.mark.parametrize("joined", [False, True], ids=["through us", "joined"])
@pytest.mark.parametrize("library", EXAMPLES)
def test_a_library(asked: None, home: Path, library: str, *, joined: bool) -> None:
    """Its spans are below the function that called it, its LLM call has model, tokens and user; our own are once there.

    Through `client.tracer_provider`, and with the application's OpenTelemetry SDK that we have joined.
    """
    if why := environments.missing(library):
        pytest.skip(why)
    example = str(ROOT / "examples" / "libraries" / f"{EXAMPLES[library]}.py")
    script = ["-c", JOINED, example] if joined else [example]
    chat, response = answer(shapes.chat()), answer(shapes.response(shapes.MESSAGE))
    with Provider(
        routed(lambda path, _: response if path.endswith("responses") else chat)
    ) as provider:
        done = subprocess.run(
            [environments.interpreter(library), *script],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "src"),
                "TRACKWAY_DIR": str(home),
                "OPENAI_API_KEY": "sk-test",
                "OPENAI_BASE_URL": provider.base_url,
                # LiteLLM asks the network for prices otherwise.
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            },
        )
    assert (done.returncode, done.stdout.strip()) == (0, shapes.ANSWER), done.stderr
    with LocalStore(home) as store:
        (trace,) = store.get_traces()
        observations = trace.observations
    (root,) = [o for o in observations if o.parent_observation_id is None]
    assert root.name == "answer"
    assert {o.user_id for o in observations} == {"alice"}
    ids = {o.id for o in observations}
    assert {o.parent_observation_id for o in observations} - {None} <= ids
    (call,) = [o for o in observations if o.total_tokens]
    assert call.type == "GENERATION"
    assert call.model is not None
    assert "gpt-4o" in call.model
    assert (call.input_tokens, call.output_tokens) == (19, 10)
