"""Observations without a decorator: a root span, a user for what follows, a nested generation with a model."""

from datetime import UTC, datetime

from trackway import get_client, propagate_attributes

client = get_client()

with (
    client.start_as_current_observation(
        name="handle-chat-message", input={"text": "Hello!"}
    ) as root,
    propagate_attributes(user_id="alice", session_id="chat-17", trace_name="chat"),
):
    with client.start_as_current_observation(
        name="retrieve", as_type="retriever", input="Hello!"
    ) as retrieval:
        retrieval.update(output=[{"id": 7, "text": "A greeting.", "score": 0.93}])

    with client.start_as_current_observation(
        name="reply",
        as_type="generation",
        model="gpt-4o",
        model_parameters={"temperature": 0.2, "max_tokens": 200},
        input=[{"role": "user", "content": "Hello!"}],
    ) as generation:
        generation.update(
            output={"role": "assistant", "content": "Hi, what can I do for you?"},
            completion_start_time=datetime.now(UTC),
            usage_details={"input": 9, "output": 9},
            cost_details={"input": 0.0000225, "output": 0.00009},
        )

    root.create_event(name="moderation", metadata={"flagged": False})
    root.update(output={"text": "Hi, what can I do for you?"})
    root.score_trace(name="helpful", value=0.9, comment="The user said thanks.")

print(client.get_trace_url(root.trace_id))
client.flush()
