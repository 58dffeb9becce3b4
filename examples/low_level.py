"""The low-level API: a trace, a generation with usage and cost, and nobody who ends them.

A handle that is never ended has its last update as its end. It is on disk when it is made, so even a kill loses
nothing, and complete when it is dropped, at a flush or at exit.
"""

from trackway import get_client

client = get_client()

trace = client.trace(
    name="support-chat", user_id="alice", session_id="ticket-4711", tags=["support"]
)
trace.span(name="look-up-customer", input={"email": "alice@example.com"}, output={"plan": "gold"})
generation = trace.generation(
    name="draft-reply",
    model="gpt-4o",
    input=[{"role": "user", "content": "Where is my order?"}],
)
generation.update(
    output="It left our warehouse this morning.",
    usage={"input": 310, "output": 42, "input_cost": 0.000775, "output_cost": 0.00042},
)
trace.event(name="sent", metadata={"channel": "e-mail"})
trace.score(name="resolved", value=True)
print(client.get_trace_url(trace.trace_id))
