"""What an application traces with the Langfuse SDK: every kind, who it was for, usage, cost, an error.

Run by `record.py` with the address to send to.
"""

import sys
from datetime import UTC, datetime

from langfuse import Langfuse, observe, propagate_attributes  # type: ignore[import-not-found]  # its own environment

NOON = datetime(2026, 1, 15, 12, 0, 0, 250_000, tzinfo=UTC)
KINDS = ("span", "agent", "tool", "chain", "retriever", "evaluator", "guardrail", "embedding")


@observe(as_type="tool")  # type: ignore[untyped-decorator]  # as above
def look_up(word: str) -> dict[str, object]:
    """A traced function, with arguments and a result."""
    return {"word": word, "found": ["ä", 2]}


@observe()  # type: ignore[untyped-decorator]  # as above
def fails() -> None:
    """A traced function that fails."""
    message = "no such word"
    raise LookupError(message)


def main(url: str) -> None:
    """One trace of one user."""
    client = Langfuse(
        public_key="pk-lf-recorded",
        secret_key="sk-lf-recorded",
        base_url=url,
        environment="staging",
        release="r7",
    )
    with (
        propagate_attributes(
            user_id="zoë",
            session_id="chat-1",
            tags=["a", "b,c"],
            metadata={"plan": "gold", "seats": "3"},
            version="v2",
            trace_name="support",
        ),
        client.start_as_current_observation(
            name="handle", input="a question", metadata={"try": 1, "who": {"is": "it"}, "note": "n"}
        ) as root,
    ):
        with client.start_as_current_observation(
            name="reply",
            as_type="generation",
            model="gpt-4o",
            model_parameters={"temperature": 0.5, "max_tokens": 64},
            input=[{"role": "user", "content": "a question"}],
            completion_start_time=NOON,
            usage_details={
                "input": 10,
                "input_cached_tokens": 90,
                "output": 5,
                "output_reasoning_tokens": 20,
            },
            cost_details={"input": 0.001, "output": 0.0002},
            prompt=None,
        ) as reply:
            reply.update(output={"role": "assistant", "content": "an answer"})
        for kind in KINDS:
            with client.start_as_current_observation(name=f"a {kind}", as_type=kind):
                pass
        look_up("word")
        try:
            fails()
        except LookupError:
            root.update(level="WARNING", status_message="not found")
        root.create_event(name="sent", input={"to": "zoë"})
        root.update(output="an answer")
    client.flush()
    client.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
