"""Spans of trackway through an exporter of OpenTelemetry's: here one that prints a line for each, from the spool.

    pip install "trackway[otlp]"
    python examples/span_exporter.py

In place of `Lines` stands any `SpanExporter`, such as the official `OTLPSpanExporter(endpoint=…)` or a vendor's.
"""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from trackway import Trackway, observe, propagate_attributes


class Lines(SpanExporter):
    """Prints name, user and duration of each span."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Called from a thread of its own; `FAILURE` would bring the same spans again later."""
        for span in spans:
            user = (span.attributes or {}).get("user.id")
            took = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
            print(f"{span.name:<10} {user}  {took:.2f} ms")
        return SpanExportResult.SUCCESS


@observe(as_type="tool")
def multiply(a: int, b: int) -> int:
    """A tool of the agent."""
    return a * b


@observe(as_type="agent")
def agent(question: str) -> str:
    """An agent with one tool."""
    return f"{question} {multiply(6, 7)}"


if __name__ == "__main__":
    # The name is how the next process knows what this one may leave behind.
    client = Trackway(span_exporter=Lines(), exporter_name="lines", project="examples")
    with propagate_attributes(user_id="alice"):
        agent("What is six times seven?")
    client.shutdown()
