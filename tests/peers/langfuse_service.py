"""A service traced by the Langfuse SDK, run in an environment of its own; answers with JSON on standard output.

`send`: the headers of a request that it makes. `receive '<headers>'`: the attributes of an observation that it starts
when a request with these headers arrives.
"""

import json
import sys

from langfuse import (  # type: ignore[import-not-found]  # installed beside it
    Langfuse,
    propagate_attributes,
)
from opentelemetry.context import attach
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
langfuse = Langfuse(public_key="pk", secret_key="sk", span_exporter=exporter)

if sys.argv[1] == "send":
    carrier: dict[str, str] = {}
    with (
        langfuse.start_as_current_observation(name="caller") as caller,
        propagate_attributes(
            user_id="Älice & co",
            session_id="s 1",
            tags=["t1", "it's"],
            metadata={"plan": "pro", "seats": 3},
            as_baggage=True,
        ),
    ):
        inject(carrier)
    print(json.dumps({"headers": carrier, "span": caller.id, "trace": caller.trace_id}))
else:
    attach(extract(json.loads(sys.argv[2])))
    with langfuse.start_as_current_observation(name="callee"):
        pass
    langfuse.flush()
    (span,) = exporter.get_finished_spans()
    parent = span.parent and f"{span.parent.span_id:016x}"
    trace = f"{span.context.trace_id:032x}"
    print(json.dumps({"attributes": dict(span.attributes or {}), "parent": parent, "trace": trace}))
