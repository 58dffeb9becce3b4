"""Pydantic AI, which is instrumented already: an agent, for a user.

    pip install 'trackway[local]' 'pydantic-ai-slim[openai]'
    OPENAI_API_KEY=sk-… python examples/libraries/pydantic_ai_agent.py

`OPENAI_BASE_URL` names another server that speaks OpenAI's API.
"""

from opentelemetry.trace import TracerProvider
from pydantic_ai import Agent, InstrumentationSettings

from trackway import get_client, observe, propagate_attributes


@observe
def answer(question: str) -> str:
    """Your code: the agent's steps are below it."""
    agent = Agent("openai-chat:gpt-4o", name="helper", instructions="Answer in one sentence.")
    return str(agent.run_sync(question).output)


def main(provider: TracerProvider) -> None:
    """Traces through *provider*."""
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))
    with propagate_attributes(user_id="alice", tags=["pydantic-ai"]):
        print(answer("How long may I send it back?"))


if __name__ == "__main__":
    main(get_client().tracer_provider)
