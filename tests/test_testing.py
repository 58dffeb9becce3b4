"""`trackway.testing.capture`: whatever is observed is there, and nothing gets out."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from opentelemetry.trace import Status, StatusCode

from tests.backend import Backend
from tests.spans import spans as written
from trackway import Trackway, get_client, observe, propagate_attributes, set_user
from trackway._core.guard import guard, guard_settings
from trackway.errors import ReadNotAvailable
from trackway.testing import Score, Span, capture


@observe(as_type="generation")
def answer(question: str) -> str:
    get_client().update_current_generation(
        model="gpt-4o",
        model_parameters={"temperature": 0},
        usage_details={"input": 12, "output": 1},
        cost_details={"total": 0.00004},
    )
    return "42"


@observe(as_type="agent")
def chat(question: str, user: str) -> str:
    with propagate_attributes(user_id=user, session_id="s", tags=["a"], metadata={"n": {"k": 1}}):
        return answer(question)


def test_everything_that_was_said_is_there(home: Path) -> None:
    """A span says who it was for, what happened and what it cost, each as the value that it was."""
    with capture() as spans:
        chat("six times seven", "alice")
    outer, inner = spans
    assert outer["parent_id"] is None
    assert (inner["parent_id"], inner["trace_id"]) == (outer["id"], outer["trace_id"])
    assert inner["start_time"] >= outer["start_time"]
    assert spans.tree() == [
        {
            "name": "chat",
            "kind": "agent",
            "user_id": "alice",
            "session_id": "s",
            "tags": ["a"],
            "metadata": {"n": {"k": 1}},
            "input": {"question": "six times seven", "user": "alice"},
            "output": "42",
            "children": [
                {
                    "name": "answer",
                    "kind": "generation",
                    "user_id": "alice",
                    "session_id": "s",
                    "tags": ["a"],
                    "metadata": {"n": {"k": 1}},
                    "input": {"question": "six times seven"},
                    "output": "42",
                    "model": "gpt-4o",
                    "model_parameters": {"temperature": 0},
                    "usage": {"input": 12, "output": 1, "total": 13},
                    "cost": {"total": 0.00004},
                }
            ],
        }
    ]
    assert spans.tree("user_id") == [
        {"name": "chat", "user_id": "alice", "children": [{"name": "answer", "user_id": "alice"}]}
    ]


def test_nothing_gets_out(home: Path) -> None:
    """No file is written and no request is made, by whichever client; a flush and a shutdown are over at once."""
    with Backend() as backend:
        langfuse = Trackway(public_key="pk", secret_key="sk", base_url=backend.url, local=True)
        with capture() as spans:
            remote = Trackway(endpoint=backend.url)
            for client in (langfuse, remote):
                client.create_event(name="event")
                assert client.auth_check()
                assert client.get_trace_url("ab" * 16) in {
                    None,
                    f"http://127.0.0.1:4319/project/{client._core.settings.project}/traces/{'ab' * 16}",
                }
                assert client.flush()
                assert client.shutdown()
                client.create_event(name="after a shutdown")
                with pytest.raises(ReadNotAvailable, match="capture"):
                    client.get_traces()
        assert len(spans) == 4
        assert backend.requests == []
        assert not home.exists()


def test_afterwards_all_is_as_before(home: Path) -> None:
    """A client that was captured, or made inside, records to its own place again; what was captured stays there."""
    before = Trackway()
    tracer = before._provider.get_tracer("early")
    with capture() as spans:
        inside = Trackway(environment="inside")
        late = before._provider.get_tracer("late")
        before.create_event(name="captured")
    for client in (before, inside):
        client.create_event(name="written")
    for each in (tracer, late):
        each.start_span("foreign").end()
    assert [span["name"] for span in spans] == ["captured"]
    names = sorted(span.name for span in written(home))
    assert names == ["foreign", "foreign", "written", "written"]
    assert before.stats().ended == 4


def test_an_observation_goes_where_it_began(home: Path) -> None:
    """What began before a capture is written; what began inside never is, also when it is ended afterwards."""
    client = Trackway()
    before, handle = client.start_observation(name="before"), client.trace(name="handle")
    with capture() as spans:
        inside, inner = client.start_observation(name="inside"), client.trace(name="inner")
        before.end()
        handle.update(output=1)
        handle.end()
    inside.end()
    inner.update(output=2)
    del inner
    client.flush()
    assert [span["name"] for span in spans] == ["inner"]
    assert [span.name for span in written(home)] == ["handle", "before"]


def test_a_client_that_is_off_is_captured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that switches tracing off may still look at what would be traced."""
    monkeypatch.setenv("TRACKWAY_ENABLED", "false")
    with capture() as spans:
        answer("?")
    answer("?")
    assert len(spans) == 1
    assert not home.exists()


def test_a_mask_and_redaction_stay_in_force(home: Path) -> None:
    """What is captured is what a backend would have been sent."""

    def mask(*, data: object) -> object:
        return data.replace("Alice", "<name>") if isinstance(data, str) else data

    with capture() as spans:
        Trackway(mask=mask).create_event(
            name="e", input="Alice has AKIAIOSFODNN7EXAMPLE", metadata={"api_key": "x"}
        )
    assert spans[0]["input"] == "<name> has [redacted: aws key]"
    assert spans[0]["metadata"] == {"api_key": "[redacted: key 'api_key']"}


def test_low_level_handles(home: Path) -> None:
    """A handle is there as it is, once, with its last update."""
    with capture() as spans:
        trace = get_client().trace(name="chat", user_id="alice")
        generation = trace.generation(name="reply", model="gpt-4o", usage={"prompt_tokens": 3})
        assert [span["output"] for span in spans] == [None, None]
        generation.update(output="hello")
        generation.end()
    assert [(span["name"], span["user_id"]) for span in spans] == [
        ("chat", "alice"),
        ("reply", "alice"),
    ]
    assert spans.one("reply")["output"] == "hello"
    assert spans.one("reply")["usage"] == {"input": 3, "total": 3}


def test_scores(home: Path) -> None:
    """Scores are no spans; each says what it judges and whose it is."""
    with capture() as spans:
        with propagate_attributes(user_id="alice"):
            with get_client().start_as_current_observation(name="chat") as chat:
                chat.score(name="length", value=3.5, comment="ok", metadata={"by": "rule"})
                chat.score_trace(name="helpful", value=True)
        get_client().create_score(name="mood", value="good", session_id="s")
    assert [span["name"] for span in spans] == ["chat"]
    length, helpful, mood = spans.scores
    assert (length["value"], length["comment"], length["metadata"]) == (3.5, "ok", {"by": "rule"})
    assert (length["observation_id"], length["trace_id"]) == (chat.id, chat.trace_id)
    assert (helpful["value"], helpful["observation_id"]) == (True, None)
    assert helpful["user_id"] == "alice"
    assert (mood["value"], mood["session_id"], mood["data_type"]) == ("good", "s", "CATEGORICAL")


def test_tracers_of_others(home: Path) -> None:
    """Spans through OpenTelemetry's API are there with attributes, events, status and the name of their tracer."""
    early = get_client()._provider.get_tracer("early")
    with capture() as spans:
        with early.start_as_current_span("GET", attributes={"codes": (200, 204)}) as span:
            span.add_event("retried", {"times": 2})
            span.set_status(Status(StatusCode.OK))
            answer("?")
        spans.tracer_provider.get_tracer("other").start_span("POST").end()
    get, below, post = spans
    assert get["attributes"] == {"codes": [200, 204]}
    assert [(e["name"], e["attributes"]) for e in get["events"]] == [("retried", {"times": 2})]
    assert (get["status"], get["scope"], post["scope"]) == ("OK", "early", "other")
    assert below["parent_id"] == get["id"]


def test_failures(home: Path) -> None:
    """An exception is there with its type, message and stack; a tree leaves the stack out."""
    with capture() as spans, pytest.raises(ValueError, match="no"):
        observe(name="f")(lambda text: int(text))("no")
    (span,) = spans
    assert span["exception"] is not None
    assert span["exception"]["type"] == "ValueError"
    assert "Traceback" in span["exception"]["stacktrace"]
    assert (span["level"], span["status"]) == ("ERROR", "ERROR")
    assert spans.tree("exception")[0]["exception"] == span["exception"]
    (node,) = spans.tree()
    assert "stacktrace" not in str(node["exception"])


def test_threads_and_tasks(home: Path) -> None:
    """Observations of threads and of tasks are there, each with its user."""

    @observe
    def work(user: str) -> None:
        set_user(user)

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(work, f"task {n}") for n in range(4)))

    with capture() as spans:
        threads = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asyncio.run(main())
    assert sorted(str(span["user_id"]) for span in spans) == sorted(
        f"{kind} {n}" for kind in ("thread", "task") for n in range(4)
    )


def _snapshot() -> tuple[list[Span], list[Score]]:
    with capture(deterministic=True) as spans:
        chat("six times seven", "alice")
        with get_client().start_as_current_observation(name="chat") as observation:
            observation.add_event("first")
            observation.add_event("given", timestamp=5)
            observation.score(name="n", value=1)
        get_client().create_event(name="event")
        get_client().trace(name="handle").update(output=1)
        get_client().start_observation(name="of 1999", start_time=915_148_800_000_000_000).end(
            915_148_801_000_000_000
        )
    return list(spans), spans.scores


def test_two_runs_are_alike(home: Path) -> None:
    """With `deterministic`, ids and times are the same in every run; times that were given stay as they are."""
    spans, scores = _snapshot()
    assert (spans, scores) == _snapshot()
    assert [int(each["id"], 16) for each in (*spans, *scores)] == [1, 2, 3, 5, 6, 7, 4]
    begin, second = 1_767_225_600_000_000_000, 1_000_000_000
    times = {span["name"]: [span["start_time"], span["end_time"]] for span in spans}
    assert times["answer"] == [begin + 2 * second, begin + 3 * second]
    assert times["event"] == [begin + 9 * second] * 2
    assert times["of 1999"] == [915_148_800 * second, 915_148_801 * second]
    assert [event["time"] for event in spans[2]["events"]] == [spans[2]["start_time"] + 1, 5]


def test_one_says_what_there_is(home: Path) -> None:
    """Asked for an observation that is not there, or not alone, `one` names those that are."""
    with capture() as spans:
        with pytest.raises(AssertionError, match="0 observations are called 'a'; there are: no"):
            spans.one("a")
        get_client().create_event(name="a")
        get_client().create_event(name="a")
        with pytest.raises(AssertionError, match="2 observations are called 'a'"):
            spans.one("a")
        with pytest.raises(AssertionError, match="there are: 'a', 'a'"):
            spans.one("b")


def test_it_is_a_sequence(home: Path) -> None:
    """Spans can be counted, sliced, looped over, forgotten; what they print is their tree."""
    with capture() as spans:
        assert list(spans) == []
        get_client().create_event(name="a")
        get_client().create_event(name="b")
        assert [span["name"] for span in spans[1:]] == ["b"]
        assert repr(spans) == (
            "<Spans [{'name': 'a', 'kind': 'event'}, {'name': 'b', 'kind': 'event'}]>"
        )
        spans.clear()
        get_client().create_event(name="c")
    assert [span["name"] for span in spans] == ["c"]
    spans[0]["name"] = "changed"
    assert spans[0]["name"] == "c"


def test_captures_can_be_nested(home: Path) -> None:
    """What happens in an inner capture is the inner one's; the outer one goes on after it."""
    with capture() as outer:
        get_client().create_event(name="before")
        with capture() as inner:
            Trackway(environment="inside").create_event(name="inside")
        Trackway(environment="inside").create_event(name="after")
    assert [span["name"] for span in outer] == ["before", "after"]
    assert [span["name"] for span in inner] == ["inside"]
    assert not home.exists()


def test_internal_errors_are_loud(home: Path, swallowing: None) -> None:
    """Where an application would go on untraced, a capture raises, and says so again when the error was caught."""
    broken = guard("test.broken")
    with pytest.raises(RuntimeError, match="of ours"), capture(), broken:
        raise RuntimeError("an error of ours")
    with pytest.raises(AssertionError, match=r"tracing failed inside: test\.broken"), capture():
        with pytest.raises(RuntimeError), broken:
            raise RuntimeError("an error of ours")
    assert guard_settings.reraise is False


def test_an_error_of_the_block_is_the_one_that_is_seen(home: Path, swallowing: None) -> None:
    """A test that fails fails with its own error, and everything is put back."""
    with pytest.raises(ZeroDivisionError), capture():
        _ = 1 / 0
    get_client().create_event(name="after")
    assert len(written(home)) == 1


def test_warnings_come_in_every_test(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is warned of once a minute is warned of in each capture."""
    with caplog.at_level(logging.WARNING, logger="trackway"):
        for _ in range(2):
            with capture(), propagate_attributes(user_id="x" * 201):
                pass
    assert caplog.text.count("'user_id' is over 200 characters") == 2
