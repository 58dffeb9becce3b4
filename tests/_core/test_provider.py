"""Low-level handles that nobody ends, what stands around spans, and the ids and names that are drawn for them."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spans import only, resource_of, scope_of, spans, value_of, writes
from trackway import Trackway, __version__, propagate_attributes
from trackway._core import provider


def test_a_handle_is_written_when_it_is_made(home: Path, client: Trackway) -> None:
    """The local store has a record of a handle at once, and a second one when it is ended."""
    trace = client.trace(name="chat", user_id="alice", input="hi")
    generation = trace.generation(name="reply", model="gpt-4o")
    assert writes(home) == [("chat", "partial"), ("reply", "partial")]
    generation.update(output="hello").end()
    trace.end()
    assert writes(home)[2:] == [("reply", "update"), ("chat", "update")]
    found, below = only(home, "chat"), only(home, "reply")
    assert (below.trace_id, below.parent_span_id) == (found.trace_id, found.span_id)
    assert below.attributes["user.id"] == found.attributes["user.id"] == "alice"
    assert value_of(below) == "hello"


def test_a_handle_that_is_dropped_ends_with_its_last_update(home: Path, client: Trackway) -> None:
    """A handle that nobody ends is finished when its last reference goes; it ended when it was last touched."""
    trace = client.trace(name="chat")
    reply = trace.generation(name="reply")
    reply.update(output="hello")
    del trace, reply
    gc.collect()
    assert {name for name, how in writes(home) if how == "update"} == {"chat", "reply"}
    chat, answer = only(home, "chat"), only(home, "reply")
    assert chat.start <= chat.end <= answer.start
    assert answer.start < answer.end
    assert value_of(answer) == "hello"


def test_a_handle_is_finished_by_a_flush_and_can_go_on(home: Path, client: Trackway) -> None:
    """`flush` writes open handles as they are; a later update is written again, under the same ids."""
    trace = client.trace(name="chat")
    trace.update(output="first")
    assert client.flush()
    assert value_of(only(home)) == "first"
    trace.update(output="second")
    assert client.flush()
    assert value_of(only(home)) == "second"
    trace.end()
    trace.update(output="third")
    assert value_of(only(home)) == "third"


def test_a_flush_writes_what_changed(home: Path, client: Trackway) -> None:
    """A handle that has not changed since it was written is not written again by every flush."""
    trace = client.trace(name="chat")
    for _ in range(3):
        client.flush()
    before = len(writes(home))
    client.flush()
    assert len(writes(home)) == before
    trace.update(output="o")
    client.flush()
    assert len(writes(home)) == before + 1


HANDLES = """
import sys
from trackway import Trackway
client = Trackway()
trace = client.trace(name="chat", user_id="alice")
generation = trace.generation(name="reply", usage={"input": 12, "output": 1, "total_cost": 0.00004})
generation.update(output="hello")
print("made", flush=True)
sys.stdin.readline()
"""


def test_handles_survive_the_exit(home: Path) -> None:
    """Handles that are open when the interpreter ends are written as they are."""
    subprocess.run([sys.executable, "-c", HANDLES], input="\n", text=True, check=True)
    assert value_of(only(home, "reply")) == "hello"
    assert only(home, "chat").attributes["user.id"] == "alice"


def test_handles_survive_a_kill(home: Path) -> None:
    """A handle is on disk from its creation on: what SIGKILL costs is what was said later."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANDLES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "made\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert only(home, "chat").attributes["user.id"] == "alice"
    assert only(home, "reply").attributes["gen_ai.usage.input_tokens"] == 12


def test_a_destination_that_cannot_replace_gets_a_handle_once(home: Path) -> None:
    """For an OTLP backend a handle is written when it is finished; an update after that is counted as dropped."""
    client = Trackway(endpoint="http://127.0.0.1:9", timeout=0.1)
    trace = client.trace(name="chat")
    (sink,) = client._provider._destinations
    assert sink.upserts is False
    trace.end()
    trace.update(output="late")
    (stats,) = client.stats().destinations
    assert stats.dropped == {"late_update": 1}
    (destination,) = (path.name for path in (home / "spool").iterdir() if path.is_dir())
    assert writes(home, destination) == [("chat", "whole")]


def test_a_trace_is_a_trace_of_its_own(home: Path, client: Trackway) -> None:
    """`trace` begins a new trace whatever is current, and what it was given beats what is propagated."""
    with (
        propagate_attributes(user_id="ambient", session_id="ambient", tags=["a"]),
        client.start_as_current_observation(name="current") as current,
    ):
        trace = client.trace(name="chat", user_id="alice", tags=["b"], metadata={"k": "v"})
        trace.span(name="step").end()
        trace.event(name="event")
        trace.end()
    found = {span.name: span for span in spans(home)}
    assert found["chat"].trace_id != current.trace_id
    assert found["chat"].parent_span_id is None
    for name in ("chat", "step", "event"):
        told = found[name].attributes
        assert (told["user.id"], told["session.id"]) == ("alice", "ambient")
        assert told["langfuse.trace.tags"] == ("a", "b")
        assert found[name].trace_id == found["chat"].trace_id
    assert found["current"].attributes["user.id"] == "ambient"


# -- what stands around ------------------------------------------------------------------------------------------------


def test_the_resource_says_who_sends(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resource attributes of the environment, the project, and this library."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=search,service.version=1%2E2")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    Trackway(project="tests").create_event(name="e")
    assert resource_of(home) == {
        "service.name": "shop",
        "service.version": "1.2",
        "team": "search",
        "trackway.project": "tests",
        "openinference.project.name": "tests",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "trackway",
        "telemetry.sdk.version": __version__,
    }
    assert scope_of(home) == [("trackway", __version__)]


def test_environment_and_release_of_the_client(home: Path) -> None:
    """They are on every observation; a block's environment takes the place of the client's."""
    client = Trackway(environment="production", release="r1")
    client.create_event(name="e")
    with propagate_attributes(environment="canary"):
        client.create_event(name="in a block")
    found = only(home, "e").attributes
    assert found["langfuse.environment"] == found["deployment.environment.name"] == "production"
    assert found["langfuse.release"] == "r1"
    inside = only(home, "in a block").attributes
    assert inside["langfuse.environment"] == inside["deployment.environment.name"] == "canary"
    assert inside["langfuse.release"] == "r1"


def test_only_a_root_is_marked_as_one(home: Path, client: Trackway) -> None:
    """The first observation of a trace in this process is marked, so that backends find it in a foreign trace."""
    with client.start_as_current_observation(name="root"):
        client.create_event(name="child")
    key = "langfuse.internal.is_app_root"
    assert only(home, "root").attributes[key] is True
    assert key not in only(home, "child").attributes


def test_names_are_redacted_and_never_refused(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that is no text is empty, with a warning; a lone surrogate is replaced; few are remembered."""
    for name in ("plain", "", "\ud800", 7):
        client.start_observation(name=name).end()  # type: ignore[arg-type]  # odd ones
    for number in range(provider.MAX_NAMES + 10):
        client._provider.name(f"name {number}")
    assert [s.name for s in spans(home)] == ["plain", "", "\ufffd", ""]
    assert len(client._provider.names) == provider.MAX_NAMES
    assert "name is not a string" in caplog.text


def test_a_child_of_a_fork_ends_what_is_its_own(home: Path, client: Trackway) -> None:
    """An observation that was open at a fork is ended by the parent; the child records what it begins, once."""
    with client.start_as_current_observation(name="parent") as parent:
        pid = os.fork()
        if pid == 0:
            client.create_event(name="child")
            parent.end()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    assert sorted(s.name for s in spans(home)) == ["child", "parent"]
    assert only(home, "child").parent_span_id == parent.id
