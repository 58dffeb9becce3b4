"""A provider that answers whatever it is asked, as examples and pages of the documentation do."""

import json
import os
from types import TracebackType
from typing import Any, Self

from tests.backend import Behaviour
from tests.providers import anthropic, openai
from tests.providers.server import Provider, answer, data_events, named_events, routed, stream


def reply(path: str, body: dict[str, Any]) -> Behaviour:
    """What a model would say."""
    streamed = bool(body.get("stream"))
    if path.endswith("/messages"):
        return stream(named_events(anthropic.events())) if streamed else answer(anthropic.message())
    if path.endswith("/embeddings"):
        return answer(openai.EMBEDDINGS)
    if path.endswith("/responses"):
        events = named_events(openai.response_events())
        return stream(events) if streamed else answer(openai.response(openai.MESSAGE))
    return _chat(body, streamed=streamed)


def _chat(body: dict[str, Any], *, streamed: bool) -> Behaviour:
    if streamed:
        asked = (body.get("stream_options") or {}).get("include_usage", False)
        return stream(data_events(openai.chat_chunks(usage=asked)))
    last = body["messages"][-1]
    if body.get("tools") and last["role"] != "tool":
        city = json.dumps({"city": "Oslo"})
        call = {**openai.TOOL_CALL, "function": {"name": "get_weather", "arguments": city}}
        return answer(openai.chat({"tool_calls": [call]}, reason="tool_calls"))
    said = f"As the tool says: {last['content']}" if last["role"] == "tool" else openai.ANSWER
    return answer(openai.chat({"content": said}))


VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")


class Replies(Provider):
    """Such a provider, to which clients made without arguments go."""

    def __init__(self) -> None:
        super().__init__(routed(reply))

    @property
    def variables(self) -> dict[str, str]:
        """What the environment is to hold."""
        return dict(zip(VARIABLES, ("sk-x", self.base_url, "sk-x", self.url), strict=True))

    def open(self) -> Self:
        """Has this process go there."""
        os.environ.update(self.variables)
        return self

    def close(self) -> None:
        for name in VARIABLES:
            os.environ.pop(name, None)
        super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
