"""Every example runs as a user would run it, in a process of its own, and leaves what it says it leaves."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.backend import Backend
from tests.providers.replies import Replies
from trackway._store.local import LocalStore
from trackway._wire.decode import decode_request

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What the example prints; it must end well and warn of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_example_is_run_here() -> None:
    """No example is left without a test."""
    tested = {
        "quickstart",
        "user_tracking",
        "direct_observations",
        "asgi_users",
        "low_level",
        "send_to_backend",
        "testing_with_pytest",
        "custom_mask",
        "span_exporter",
        "langchain_chain",
        "openai_users",
        "openai_streaming",
        "openai_agent",
        "openai_fan_out",
        "two_services",
    }
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested


def test_quick_start(home: Path) -> None:
    """The quick start leaves one trace of two observations for the user that it was given, with tokens and cost."""
    assert "trackway" in run("quickstart", "zoë")
    with LocalStore(home) as store:
        (trace,) = store.get_traces(filters={"user_id": "zoë", "tags": ["quickstart"]})
        assert [(o.type, o.name) for o in trace.observations] == [
            ("AGENT", "assist"),
            ("GENERATION", "answer"),
        ]
        assert trace.total_tokens == 15
        assert trace.total_cost == pytest.approx(0.00006)


def test_user_tracking(home: Path) -> None:
    """Each user has what is theirs, the late one too, and the store answers in the order of cost."""
    printed = run("user_tracking").splitlines()
    assert [line.split(":")[0] for line in printed[:4]] == ["alice", "chloé", "bob", "dmitri"]
    with LocalStore(home) as store:
        names = {user.user_id: user.traces for user in store.users.list()}
        assert names == {"alice": 2, "bob": 1, "chloé": 1, "dmitri": 1}
        late = store.get_traces(filters={"name": "late_request"})[0]
        assert {o.user_id for o in late.observations} == {"dmitri"}


def test_direct_observations(home: Path) -> None:
    """Root, retriever, generation and event nest, carry the user, and the trace has its score."""
    assert run("direct_observations").startswith("http://127.0.0.1:4319/project/")
    with LocalStore(home) as store:
        (trace,) = store.get_traces()
        by_name = {o.name: o for o in trace.observations}
        root = by_name["handle-chat-message"]
        assert {o.parent_observation_id for o in trace.observations} == {None, root.id}
        assert {o.user_id for o in trace.observations} == {"alice"}
        assert by_name["reply"].model == "gpt-4o"
        assert (trace.name, trace.session_id, trace.scores) == ("chat", "chat-17", {"helpful": 0.9})


def test_low_level(home: Path) -> None:
    """Handles that nobody ended are complete after the process: usage, cost, output, score, and one row each."""
    run("low_level")
    with LocalStore(home) as store:
        (trace,) = store.get_traces(filters={"user_id": "alice"})
        rows = sorted((o.type, o.name) for o in trace.observations)
        assert rows == [
            ("EVENT", "sent"),
            ("GENERATION", "draft-reply"),
            ("SPAN", "look-up-customer"),
            ("SPAN", "support-chat"),
        ]
        reply = next(o for o in trace.observations if o.type == "GENERATION")
        assert (reply.usage["input"], reply.usage["output"]) == (310, 42)
        assert reply.total_cost == pytest.approx(0.001195)
        assert reply.output == "It left our warehouse this morning."
        assert trace.scores == {"resolved": True}


def test_asgi_users(home: Path) -> None:
    """Each request of a real server is its user's, to the end of its stream, also when requests overlap."""
    program = """
import asyncio, runpy, sys, httpx, uvicorn
app = runpy.run_path(sys.argv[1])["app"]
async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        ask = [client.get("/", params={"q": u}, headers={"x-user": u}) for u in ("ann", "ben", "cleo") * 4]
        print([answer.text for answer in await asyncio.gather(*ask)][:3])
    server.should_exit = True
    await task
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(EXAMPLES / "asgi_users.py")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (
        0,
        "['You said: ann', 'You said: ben', 'You said: cleo']\n",
    ), done.stderr
    with LocalStore(home) as store:
        traces = store.get_traces()
        assert len(traces) == 12
        for trace in traces:
            assert [o.name for o in trace.observations] == ["chat", "tokens"]
            assert {o.user_id for o in trace.observations} == {trace.user_id}
            assert trace.observations[1].output == f"You said: {trace.user_id}"


def test_send_to_backend(home: Path) -> None:
    """One setting sends the same spans to a backend, which sees the user on each; nothing stays behind."""
    with Backend() as backend:
        printed = run("send_to_backend", env={"TRACKWAY_ENDPOINT": backend.url})
        assert printed.startswith("delivered\n")
        spans = [
            span for request in backend.requests for _, _, span in decode_request(request.body)
        ]
    assert sorted(span.name for span in spans) == ["agent", "multiply"]
    assert {span.attributes["user.id"] for span in spans} == {"alice"}


def test_testing_with_pytest(home: Path) -> None:
    """The tests of the example pass, and leave nothing on the disk."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "testing_with_pytest.py"],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "4 passed" in done.stdout) == (0, True), done.stdout
    assert not home.exists()


def test_custom_mask(home: Path) -> None:
    """The mask hides what is private in nested values, and the caller still gets it."""
    assert run("custom_mask").splitlines() == [
        "the caller got +33 1 23 45 67 89",
        "recorded input {'question': 'Who is <email>?'}",
        "recorded output {'name': 'Zoë', 'phone': '<private>', 'notes': ['asked: Who is <email>?']}",
    ]


def test_span_exporter(home: Path) -> None:
    """An exporter in code gets both spans with their user."""
    lines = [line.split() for line in run("span_exporter").splitlines()]
    assert [line[:2] for line in lines] == [["multiply", "alice"], ["agent", "alice"]]


def test_langchain_chain(home: Path) -> None:
    """Each user's chain is a trace with its runs, the function inside the tool, and the tokens of the model."""
    assert run("langchain_chain").splitlines()[:2] == [
        "alice: Order 17 is on its way.",
        "bob: Order 17 is on its way.",
    ]
    with LocalStore(home) as store:
        for user, session in (("alice", "chat-17"), ("bob", "chat-18")):
            (trace,) = store.get_traces(filters={"user_id": user, "session_id": session})
            by_name = {o.name: o for o in trace.observations}
            assert by_name["query"].parent_observation_id == by_name["order_status"].id
            assert {o.user_id for o in trace.observations} == {user}
            generation = by_name["GenericFakeChatModel"]
            assert (generation.type, generation.model) == ("GENERATION", "gpt-4o-2024-08-06")
            assert (trace.name, trace.total_tokens) == ("support", 43)


def test_openai_users(home: Path) -> None:
    """Each call of the drop-in is its user's, that of one call too, with tokens; the provider sees nothing of ours."""
    with Replies() as provider:
        printed = run("openai_users", env=provider.variables).splitlines()
        assert [line.partition(":")[0] for line in printed] == ["alice", "bob", "carol"]
        assert provider.sent[-1]["metadata"] == {"purpose": "demo"}
    with LocalStore(home) as store:
        assert {user.user_id for user in store.users.list()} >= {"alice", "bob", "carol"}
        (trace,) = store.get_traces(filters={"user_id": "alice"})
        assert [(o.type, o.name) for o in trace.observations] == [
            ("SPAN", "answer"),
            ("GENERATION", "chat gpt-4o-mini"),
        ]
        assert trace.total_tokens == 29
        (of_carol,) = store.get_traces(filters={"user_id": "carol"})
        assert sorted(of_carol.tags) == ["batch", "nightly"]


def test_openai_streaming(home: Path) -> None:
    """A stream that was read, one that was left and one that failed are three observations with their true status."""
    with Replies() as provider:
        printed = run("openai_streaming", env=provider.variables).splitlines()
    assert printed == [
        "Forty-two, as ever.",
        "Forty-two, …",
        "failed, and recorded: APIConnectionError",
    ]
    with LocalStore(home) as store:
        found = [o for trace in store.get_traces() for o in trace.observations]
        assert sorted((o.level, o.status_message or "") for o in found) == [
            ("DEFAULT", ""),
            ("DEFAULT", "closed before its end"),
            ("ERROR", "APIConnectionError: Connection error."),
        ]


def test_openai_agent(home: Path) -> None:
    """Agent, model, tool and model again are one trace of the user's."""
    with Replies() as provider:
        assert (
            run("openai_agent", env=provider.variables) == "As the tool says: It rains in Oslo.\n"
        )
    with LocalStore(home) as store:
        (trace,) = store.get_traces(filters={"user_id": "alice"})
        assert [o.type for o in trace.observations] == ["AGENT", "GENERATION", "TOOL", "GENERATION"]
        root = trace.observations[0]
        assert {o.parent_observation_id for o in trace.observations[1:]} == {root.id}


def test_openai_fan_out(home: Path) -> None:
    """Of many users at once, each has a trace of two observations, both theirs."""
    with Replies() as provider:
        assert run("openai_fan_out", "12", env=provider.variables).startswith("12 answers")
    with LocalStore(home) as store:
        traces = store.get_traces()
        assert {trace.user_id for trace in traces} == {f"user-{n}" for n in range(12)}
        for trace in traces:
            assert [o.user_id for o in trace.observations] == [trace.user_id] * 2


def test_two_services(home: Path) -> None:
    """Users cross from one process to the other where both ends ask for it; without, the trace goes on for nobody."""
    printed = run("two_services").splitlines()
    assert printed == [
        f"{user}: invoice for a book of {user}" for user in ("alice", "bob", "carol")
    ]
    with LocalStore(home) as store:
        traces = store.get_traces()
        assert len(traces) == 3
        for trace in traces:
            shop, billing = sorted(trace.observations, key=lambda o: o.name, reverse=True)
            assert (shop.name, billing.name) == ("order", "invoice")
            assert billing.parent_observation_id == shop.id
            assert billing.user_id == (None if shop.user_id == "carol" else shop.user_id)
        assert {trace.user_id for trace in traces} == {"alice", "bob", "carol"}
