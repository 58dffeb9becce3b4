"""Users cross between a service of ours and one of the Langfuse SDK, the real one in a process of its own."""

import json
import subprocess
from pathlib import Path
from typing import cast

import pytest
from opentelemetry.context import attach, get_current
from opentelemetry.propagate import extract, inject

from tests.spans import only
from trackway import Trackway, propagate_attributes

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".bench" / "langfuse" / "bin" / "python"
SERVICE = Path(__file__).parent / "langfuse_service.py"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="no environment with the Langfuse SDK: `make peers` makes one"
)


def service(*arguments: str) -> dict[str, object]:
    """What the other service answers."""
    done = subprocess.run(
        [PYTHON, SERVICE, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return cast("dict[str, object]", json.loads(done.stdout))


def test_users_arrive_at_the_incumbent(client: Trackway) -> None:
    """User, session, tags and metadata that a block sends are on the observations of the service called."""
    carrier: dict[str, str] = {}
    with (
        client.start_as_current_observation(name="caller") as caller,
        propagate_attributes(
            user_id="Älice & co",
            session_id="s 1",
            tags=["t1", "t2"],
            metadata={"plan": "pro"},
            as_baggage=True,
        ),
    ):
        inject(carrier)
    answer = service("receive", json.dumps(carrier))
    found = cast("dict[str, object]", answer["attributes"])
    assert (found["user.id"], found["session.id"]) == ("Älice & co", "s 1")
    # Text, because it does not parse what it reads; its server takes a JSON array for a list.
    assert found["langfuse.trace.tags"] == '["t1","t2"]'
    assert found["langfuse.trace.metadata.plan"] == "pro"
    assert (answer["trace"], answer["parent"]) == (caller.trace_id, caller.id)


def test_users_of_the_incumbent_arrive(home: Path) -> None:
    """What the other service sends is on our observations where baggage is accepted, its tags as a list."""
    sent = service("send")
    headers = cast("dict[str, str]", sent["headers"])
    before = get_current()
    attach(extract(headers))
    try:
        Trackway(accept_baggage=True).create_event(name="callee")
    finally:
        attach(before)
    callee = only(home, "callee")
    assert callee.attributes["user.id"] == "Älice & co"
    assert callee.attributes["session.id"] == "s 1"
    assert callee.attributes["langfuse.trace.tags"] == ("t1", "it's")
    assert callee.attributes["langfuse.trace.metadata.plan"] == "pro"
    assert callee.attributes["langfuse.trace.metadata.seats"] == "3"
    assert (callee.trace_id, callee.parent_span_id) == (sent["trace"], sent["span"])
