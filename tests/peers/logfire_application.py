"""An application traced by Logfire, run in an environment of its own; answers with JSON on standard output.

The first argument says when we are configured: `before` or `after` Logfire; the second whether the two are `joined`.
"""

import json
import sys

import logfire  # type: ignore[import-not-found]  # installed beside it
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from trackway import Trackway, attach, propagate_attributes

order, mode = sys.argv[1:]
exporter = InMemorySpanExporter()


def configure() -> None:
    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[SimpleSpanProcessor(exporter)],
    )


if order == "before":
    client = Trackway()
    client.create_event(name="early")
    configure()
else:
    configure()
    client = Trackway()
if mode == "joined":
    assert attach()

with propagate_attributes(user_id="alice"), logfire.span("request"):
    with client.start_as_current_observation(name="agent") as agent:
        with logfire.span("chat", **{"gen_ai.request.model": "m"}):
            client.create_event(name="tool")

print(
    json.dumps(
        {
            "agent": agent.id,
            "theirs": {
                span.name: {
                    "id": f"{span.context.span_id:016x}",
                    "parent": span.parent and f"{span.parent.span_id:016x}",
                    "user": (span.attributes or {}).get("user.id"),
                }
                for span in exporter.get_finished_spans()
            },
        }
    )
)
