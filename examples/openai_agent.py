"""An agent that uses a tool: agent → generation, tool, generation, in one trace.

With a key of your own: `OPENAI_API_KEY=sk-… python examples/openai_agent.py; trackway traces`
"""

import json
import os
from typing import Any

from trackway import observe, propagate_attributes
from trackway.openai import OpenAI

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city, now.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


@observe(as_type="tool")
def get_weather(city: str) -> str:
    """Where the weather would be asked for."""
    return f"It rains in {city}."


@observe(as_type="agent")
def ask(client: OpenAI, question: str) -> str:
    """Calls the model until it wants no more tools, at most five times."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(5):
        message = (
            client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
            .choices[0]
            .message
        )
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            if call.type == "function":
                found = get_weather(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": found})
    return "I do not know."


if __name__ == "__main__":
    with OpenAI() as client, propagate_attributes(user_id="alice", session_id="weather-1"):
        print(ask(client, "Do I need an umbrella in Oslo?"))
