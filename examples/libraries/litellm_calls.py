"""LiteLLM by OpenInference's instrumentation: a call of any provider, for a user.

    pip install 'trackway[local]' litellm openinference-instrumentation-litellm
    OPENAI_API_KEY=sk-… python examples/libraries/litellm_calls.py

`OPENAI_BASE_URL` names another server that speaks OpenAI's API.
"""

import litellm
from openinference.instrumentation.litellm import LiteLLMInstrumentor
from opentelemetry.trace import TracerProvider

from trackway import get_client, observe, propagate_attributes


@observe
def answer(question: str) -> str:
    """Your code: LiteLLM's call is below it."""
    messages = [{"role": "user", "content": question}]
    reply = litellm.completion(model="openai/gpt-4o", messages=messages)
    return str(reply.choices[0].message.content)


def main(provider: TracerProvider) -> None:
    """Traces through *provider*."""
    LiteLLMInstrumentor().instrument(tracer_provider=provider)
    with propagate_attributes(user_id="alice", tags=["litellm"]):
        print(answer("How long may I send it back?"))


if __name__ == "__main__":
    main(get_client().tracer_provider)
