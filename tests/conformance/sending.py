"""One trace with everything that an observation can say, sent through the real delivery."""

from typing import Final

from trackway import Trackway, propagate_attributes
from trackway.types import ObservationKind

__all__ = ["KINDS", "MESSAGES", "send"]

# Kind → how Phoenix and MLflow call it (OpenInference's words).
KINDS: Final[dict[ObservationKind, str]] = {
    "span": "CHAIN",
    "agent": "AGENT",
    "tool": "TOOL",
    "chain": "CHAIN",
    "retriever": "RETRIEVER",
    "embedding": "EMBEDDING",
    "evaluator": "EVALUATOR",
    "guardrail": "GUARDRAIL",
}
MESSAGES: Final = [{"role": "user", "content": "ein Gruß"}]


def send(url: str, project: str, headers: dict[str, str] | None = None) -> str:
    """Sends the trace and returns its id, once the backend has acknowledged every span."""
    client = Trackway(endpoint=url, headers=headers, project=project, environment="staging")
    with (
        propagate_attributes(
            user_id="zoë",
            session_id=f"chat-{project}",
            tags=["a", "b,c"],
            metadata={"plan": "gold"},
            trace_name="support",
        ),
        client.start_as_current_observation(
            name="handle", as_type="agent", input="a question", metadata={"try": 1}
        ) as root,
    ):
        root.start_observation(
            name="reply",
            as_type="generation",
            model="gpt-4o",
            model_parameters={"temperature": 0.5},
            input=MESSAGES,
            output={"role": "assistant", "content": "hallo"},
            usage_details={
                "input": 10,
                "input_cached_tokens": 90,
                "output": 5,
                "output_reasoning_tokens": 20,
            },
            cost_details={"input": 0.25, "output": 0.5},
        ).end()
        for kind in KINDS:
            root.start_observation(
                name=f"a {kind}", as_type=kind, input={"k": kind}, output=[kind]
            ).end()
        try:
            with root.start_as_current_observation(name="fails", as_type="tool"):
                raise LookupError("no such word")
        except LookupError:
            pass
        root.create_event(name="sent", input={"to": "zoë"})
        root.score(name="quality", value=0.75, comment="fine")
        root.update(output="an answer")
    assert client.shutdown(60.0)
    (destination,) = client.stats().destinations
    assert (destination.acked, destination.rejected) == (destination.ended, {})
    return root.trace_id
