"""OpenAI's Agents SDK by OpenInference's instrumentation: an agent, for a user.

    pip install 'trackway[local]' openai-agents openinference-instrumentation-openai-agents
    OPENAI_API_KEY=sk-… python examples/libraries/openai_agents_run.py

`OPENAI_BASE_URL` names another server that speaks OpenAI's API.
"""

from agents import Agent, Runner
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.trace import TracerProvider

from trackway import get_client, observe, propagate_attributes


@observe
def answer(question: str) -> str:
    """Your code: the agent's steps are below it."""
    agent = Agent(name="helper", instructions="Answer in one sentence.", model="gpt-4o")
    return str(Runner.run_sync(agent, question).final_output)


def main(provider: TracerProvider) -> None:
    """Traces through *provider*; takes the place of the SDK's own upload of traces to OpenAI."""
    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
    with propagate_attributes(user_id="alice", tags=["openai-agents"]):
        print(answer("How long may I send it back?"))


if __name__ == "__main__":
    main(get_client().tracer_provider)
