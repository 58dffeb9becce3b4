"""The same program, and any OTLP backend: spans go where one setting says, through the spool on disk.

    TRACKWAY_ENDPOINT=http://localhost:4318 python examples/send_to_backend.py       # a Collector, Jaeger, Tempo …
    TRACKWAY_ENDPOINT=http://localhost:6006 python examples/send_to_backend.py       # Phoenix
    TRACKWAY_ENDPOINT=http://localhost:5000 TRACKWAY_HEADERS=x-mlflow-experiment-id=0 python …    # MLflow
    LANGFUSE_PUBLIC_KEY=pk-lf-… LANGFUSE_SECRET_KEY=sk-lf-… python examples/send_to_backend.py    # Langfuse

`TRACKWAY_LOCAL=true` keeps a copy that `trackway users` can show.
"""

from trackway import get_client, observe, propagate_attributes


@observe(as_type="tool")
def multiply(a: int, b: int) -> int:
    """A tool of the agent."""
    return a * b


@observe(as_type="agent")
def agent(question: str) -> str:
    """An agent with one tool."""
    return f"{question} {multiply(6, 7)}"


if __name__ == "__main__":
    with propagate_attributes(user_id="alice", session_id="s-1", metadata={"plan": "gold"}):
        agent("What is six times seven?")
    client = get_client()
    delivered = client.flush(timeout=10)
    print(
        "delivered"
        if delivered
        else "not yet delivered: it waits in the spool, see `trackway doctor`"
    )
    for destination in client.stats().destinations:
        print(
            f"{destination.destination}: {destination.acked} accepted, {destination.in_spool} waiting"
        )
