"""What instrumentations trace through the OpenTelemetry SDK, in the attributes of its conventions and OpenInference's.

Run by `record.py` with the address to send to.
"""

import json
import sys

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "a question"}]}])
ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "an answer"}]}])
SPANS: dict[str, dict[str, str | int | float | list[str]]] = {
    "chat gpt-4o": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.stop_sequences": ["\n"],
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 80,
        "gen_ai.usage.cache_write.input_tokens": 10,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.response.id": "r-1",
        "gen_ai.input.messages": MESSAGES,
        "gen_ai.output.messages": ANSWER,
        "gen_ai.system_instructions": '[{"type": "text", "content": "be kind"}]',
        "gen_ai.conversation.id": "chat-1",
        "user.id": "zoë",
    },
    "execute_tool look_up": {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "gen_ai.tool.call.id": "call-1",
        "gen_ai.tool.call.arguments": '{"word": "ä"}',
        "gen_ai.tool.call.result": '{"found": 2}',
    },
    "invoke_agent helper": {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "helper",
    },
    "text_completion old": {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "davinci",
        "gen_ai.usage.prompt_tokens": 7,
        "gen_ai.usage.completion_tokens": 3,
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "a question",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": "another",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "an answer",
    },
    "embeddings e-3": {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.request.model": "e-3",
        "gen_ai.usage.input_tokens": 4,
    },
    "ChatCompletion": {
        "openinference.span.kind": "LLM",
        "llm.model_name": "claude-4",
        "llm.provider": "anthropic",
        "llm.invocation_parameters": '{"temperature": 0.1}',
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "a question",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "an answer",
        "llm.token_count.prompt": 12,
        "llm.token_count.prompt_details.cache_read": 2,
        "llm.token_count.completion": 4,
        "llm.token_count.total": 16,
        "llm.cost.prompt": 0.001,
        "llm.cost.completion": 0.002,
        "llm.cost.total": 0.003,
        "session.id": "chat-2",
        "user.id": "yan",
        "tag.tags": ["x", "y"],
        "metadata": '{"plan": "gold", "seats": 3}',
    },
    "Retriever": {
        "openinference.span.kind": "RETRIEVER",
        "input.value": "a question",
        "output.value": '["d"]',
        "output.mime_type": "application/json",
    },
    "Reranker": {"openinference.span.kind": "RERANKER", "input.value": "a question"},
    "GET /": {"http.request.method": "GET", "url.path": "/"},
}


def main(url: str) -> None:
    """One trace: a server's span, the others in it, an error."""
    resource = Resource(
        {
            "service.name": "shop",
            "openinference.project.name": "shopping",
            "deployment.environment.name": "staging",
        }
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    tracer = provider.get_tracer("recorded", "1")
    with tracer.start_as_current_span("POST /chat", kind=SpanKind.SERVER):
        for name, attributes in SPANS.items():
            kind = SpanKind.CLIENT if name.startswith("chat") else SpanKind.INTERNAL
            with tracer.start_as_current_span(name, kind=kind, attributes=attributes):
                pass
        try:
            with tracer.start_as_current_span("fails"):
                message = "no such word"
                raise LookupError(message)
        except LookupError:
            pass
    provider.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
