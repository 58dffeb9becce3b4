"""From spans to dictionaries: what no other test says of the reading."""

import json

import pytest

from trackway import Trackway, get_client
from trackway.testing import Span, capture


def test_every_key_is_always_there() -> None:
    """A span that says nothing has every key that `Span` promises, and is JSON as it is."""
    with capture() as spans:
        get_client().create_event(name="e")
    (span,) = spans
    assert set(span) == set(Span.__annotations__)
    assert json.loads(json.dumps(span)) == span


@pytest.mark.parametrize("wire", ["all", "langfuse", "openinference"])
def test_whatever_the_wire_carries(wire: str) -> None:
    """Kind, input, model and user are read from whichever names a client writes."""
    client = Trackway(endpoint="http://127.0.0.1:9", wire=wire)
    with capture() as spans:
        client.start_observation(name="g", as_type="generation", input={"a": 1}, model="m").end()
    (span,) = spans
    assert (span["kind"], span["input"]) == ("generation", {"a": 1})
    assert span["model"] == "m"


def test_what_is_said_once_in_a_while() -> None:
    """Prompts, links, versions, environments and statuses have their place."""
    client = Trackway(environment="test", release="r1")
    with capture() as spans:
        with client.start_as_current_observation(
            name="g",
            prompt={"name": "p", "version": 3},
            version="v",
            trace_context={"trace_id": "ab" * 16, "parent_span_id": "cd" * 8},
        ) as g:
            g.add_link(g.get_span_context(), {"k": (1, 2)})
            g.set_attribute("mine", True)
    (span,) = spans
    assert (span["prompt"], span["version"]) == ({"name": "p", "version": 3}, "v")
    assert (span["environment"], span["release"], span["status"]) == ("test", "r1", "UNSET")
    assert span["links"] == [
        {"trace_id": "ab" * 16, "span_id": span["id"], "attributes": {"k": [1, 2]}}
    ]
    assert (span["parent_id"], span["attributes"]) == ("cd" * 8, {"mine": True})
    assert spans.tree() == [
        {
            "name": "g",
            "kind": "span",
            "prompt": {"name": "p", "version": 3},
            "environment": "test",
            "release": "r1",
            "version": "v",
            "attributes": {"mine": True},
        }
    ]


def test_empty_is_not_nothing() -> None:
    """An output of an empty list is part of a tree, one that was never said is not."""
    with capture() as spans:
        get_client().start_observation(name="a", output=[]).end()
        get_client().start_observation(name="b").end()
    assert spans.tree() == [
        {"name": "a", "kind": "span", "output": []},
        {"name": "b", "kind": "span"},
    ]
