"""Tests for `trackway._integrations.seam`: one client, all clients, copies; one call is one observation."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai as sdk
import pytest

from tests._integrations.conftest import Connect
from tests.providers.clients import closed, run
from tests.providers.openai import EMBEDDINGS, chat
from tests.providers.server import Provider, answer
from tests.spans import spans as on_disk
from trackway._core import parents
from trackway.openai import OpenAI, instrument, wrap
from trackway.registry import get_client
from trackway.testing import Spans

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def everywhere() -> Iterator[Callable[[], None]]:
    """All clients are traced in this test."""
    undo = instrument()
    yield undo
    undo()


def test_wrapping_changes_one_client(connect: Connect, spans: Spans) -> None:
    """One client is traced, and still is what it was; another of its class is not."""
    with Provider(answer(chat())) as provider:
        other, client = connect(provider, traced=False), connect(provider)
        assert isinstance(client, sdk.OpenAI)
        assert type(client).__qualname__ == sdk.OpenAI.__qualname__
        assert repr(type(client)) == repr(sdk.OpenAI)
        assert inspect.signature(client.request) == inspect.signature(other.request)
        other.chat.completions.create(**ASK)
        assert len(spans) == 0
        client.chat.completions.create(**ASK)
    assert len(spans) == 1


def test_copies_stay_traced(connect: Connect, spans: Spans) -> None:
    """Clients that are made of a traced one are traced, with their settings."""
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        client.with_options(timeout=5).chat.completions.create(**ASK)
        client.copy().with_options(max_retries=1).chat.completions.create(**ASK, name="again")
    assert [span["name"] for span in spans] == ["chat gpt-4o", "again"]


def test_resources_that_were_there_before(connect: Connect, spans: Spans) -> None:
    """A resource that somebody held before the client was wrapped is traced as well, and takes our arguments."""
    with Provider(answer(chat())) as provider:
        client = connect(provider, traced=False)
        held = client.chat.completions
        assert wrap(client) is client
        held.create(**ASK, name="held")
    assert len(spans) == 1
    assert spans.one("held")


def test_every_way_at_once_is_one_observation(
    connect: Connect, spans: Spans, everywhere: Callable[[], None]
) -> None:
    """A drop-in client that is wrapped, twice, while all are traced, twice, still gives one observation a call."""
    instrument()
    with Provider(answer(chat())) as provider:
        wrap(connect(provider, OpenAI)).chat.completions.create(**ASK)
        wrap(connect(provider)).chat.completions.create(**ASK)
        connect(provider, traced=False).chat.completions.create(**ASK)
    assert len(spans) == 3


def test_a_subclass_of_the_applications(
    connect: Connect, spans: Spans, everywhere: Callable[[], None]
) -> None:
    """A client class of the application's own, which overrides what we observe, keeps its say; one observation."""
    seen = []

    class Mine(sdk.OpenAI):
        def request(self, cast_to: Any, options: Any, **kwargs: Any) -> Any:
            seen.append(options.url)
            return super().request(cast_to, options, **kwargs)

    with Provider(answer(chat())) as provider:
        connect(provider, Mine).chat.completions.create(**ASK)
    assert seen == ["/chat/completions"]
    assert len(spans) == 1


def test_instrumenting_can_be_undone(connect: Connect, spans: Spans) -> None:
    """All clients are traced, those that there were too, until it is undone: then nothing of it is left."""
    before = {cls: dict(vars(cls)) for cls in (sdk.OpenAI, sdk.AsyncOpenAI)}
    with Provider(answer(chat())) as provider:
        client = connect(provider, traced=False)
        undo = instrument()
        client.chat.completions.create(**ASK)
        taught = connect(provider, traced=False)
        taught.chat.completions.create(**ASK, name="told")
        assert len(spans) == 2
        undo()
        undo()
        assert {cls: dict(vars(cls)) for cls in before} == before
        client.chat.completions.create(**ASK)
        with pytest.raises(TypeError, match="name"):
            taught.chat.completions.create(**ASK, name="told")
    assert len(spans) == 2


def test_what_was_made_before_it_is_instrumented(connect: Connect, spans: Spans) -> None:
    """A client whose resources were in use before takes our arguments, too."""
    with Provider(answer(chat())) as provider:
        client = connect(provider, traced=False)
        client.chat.completions.create(**ASK)
        undo = instrument()
        client.chat.completions.create(**ASK, name="told")
        client.chat = client.chat  # as the SDK's own property lets one
        client.chat.completions.create(**ASK, name="told")
        undo()
        client.chat.completions.create(**ASK)
    assert [span["name"] for span in spans] == ["told", "told"]


def test_what_is_wrapped_outlasts_the_undoing(connect: Connect, spans: Spans) -> None:
    """A client of a class that was first wrapped while all were traced keeps its arguments afterwards."""

    class Mine(sdk.OpenAI):
        pass

    with Provider(answer(chat())) as provider:
        undo = instrument()
        client = connect(provider, Mine)
        undo()
        client.chat.completions.create(**ASK, name="told")
        connect(provider, Mine).chat.completions.create(**ASK, name="told")
    assert [span["name"] for span in spans] == ["told", "told"]


def test_calls_of_other_kinds_are_left_alone(connect: Connect, spans: Spans) -> None:
    """What is no call of a model passes as it is."""
    with Provider(answer({"object": "list", "data": []})) as provider:
        client = connect(provider)
        assert list(client.models.list()) == []
        client.post("/unknown", cast_to=object, body={"x": 1})
    assert len(spans) == 0


def test_what_is_posted_by_hand(connect: Connect, spans: Spans) -> None:
    """A request that is posted without a method of the SDK's is observed by its path."""
    with Provider(answer(chat())) as provider:
        connect(provider).post("/chat/completions", cast_to=object, body=dict(ASK))
    assert spans[0]["input"] == ASK["messages"]


def test_switched_off(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With tracing off calls pass, and our arguments are still taken out."""
    monkeypatch.setenv("TRACKWAY_ENABLED", "false")
    with Provider(answer(chat())) as provider:
        connect(provider).chat.completions.create(**ASK, name="x", trackway_user_id="y")
        assert provider.sent == [ASK]
    assert not caplog.records


def test_a_call_that_somebody_records_already(
    connect: Connect, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that a framework's integration records is not recorded a second time."""
    holder: list[Any] = []
    monkeypatch.setattr(parents, "recorders", [lambda: holder[0] if holder else None])
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        with get_client().start_as_current_observation(name="run", as_type="generation") as run_:
            holder.append(run_)
            client.chat.completions.create(**ASK)
        holder.clear()
        client.chat.completions.create(**ASK)
    assert [span["name"] for span in spans] == ["run", "chat gpt-4o"]


def test_what_runs_below_a_request(connect: Connect, spans: Spans) -> None:
    """While a request is sent its observation is the current one; afterwards what was current is current again."""
    with Provider(answer(EMBEDDINGS)) as provider:
        client = connect(provider, base_url="https://api.openai.com/v1")
        client._client.event_hooks = {
            "request": [lambda _: get_client().create_event(name="sending")]
        }
        client.embeddings.create(model="m", input="x")
        get_client().create_event(name="after")
    assert spans.tree("kind") == [
        {
            "name": "embeddings m",
            "kind": "embedding",
            "children": [{"name": "sending", "kind": "event"}],
        },
        {"name": "after", "kind": "event"},
    ]


def test_many_users_at_once(spans: Spans) -> None:
    """Calls that run side by side keep their users."""
    import asyncio

    from trackway import propagate_attributes

    async def program() -> None:
        with Provider(answer(chat())) as provider:
            client = wrap(sdk.AsyncOpenAI(api_key="k", base_url=provider.base_url))

            async def ask(user: str) -> None:
                with propagate_attributes(user_id=user):
                    await client.chat.completions.create(
                        **{**ASK, "trackway_metadata": {"of": user}}
                    )

            await asyncio.gather(*(ask(f"user-{n}") for n in range(20)))
            await closed(client)

    run(program())
    assert {(span["user_id"], span["metadata"]["of"]) for span in spans} == {
        (f"user-{n}", f"user-{n}") for n in range(20)
    }


def test_an_address_that_the_application_says(connect: Connect, home: Path) -> None:
    """Where a class of the application's own says the address of its clients, it is asked at each call."""
    url = type(sdk.OpenAI(api_key="sk-test").base_url)

    class Rotating(sdk.OpenAI):
        host = "api.openai.com"

        @property
        def base_url(self) -> Any:
            return url(f"https://{self.host}/v1/")

        @base_url.setter
        def base_url(self, given: Any) -> None:
            pass

    with Provider(answer(chat()), answer(chat())) as provider:
        client = connect(provider, Rotating, base_url="https://api.openai.com/v1")
        client.chat.completions.create(**ASK)
        Rotating.host = "api.groq.com"
        client.chat.completions.create(**ASK)
    said = [span.attributes["gen_ai.provider.name"] for span in on_disk(home)]
    assert said == ["openai", "groq"]


@pytest.mark.parametrize("way", ["wrap", "drop-in", "instrument"])
def test_a_request_of_the_applications_own(connect: Connect, spans: Spans, way: str) -> None:
    """Where a class of the application's own has a `request`, its clients take our arguments all the same."""
    undo = instrument() if way == "instrument" else lambda: None

    class Mine(OpenAI if way == "drop-in" else sdk.OpenAI):  # type: ignore[misc]  # one of the two
        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **kwargs)

    try:
        with Provider(answer(chat())) as provider:
            client = connect(provider, Mine, traced=way == "wrap")
            client.chat.completions.create(**ASK, name="mine", trackway_user_id="alice")
            assert provider.sent[0] == ASK
    finally:
        undo()
    assert spans.one("mine")["user_id"] == "alice"


class StandIn:
    """What a test of an application has in the place of a client."""


@pytest.mark.parametrize("given", [None, "client", sdk.OpenAI, StandIn()])
def test_what_is_no_client(given: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What is no client, as a stand-in of a test, is handed back as it is, with one WARNING."""
    assert wrap(given) is given
    assert wrap(given) is given
    (record,) = caplog.records
    assert "wrap() traces clients" in record.getMessage()


def test_the_wrong_wrap_first(connect: Connect, spans: Spans) -> None:
    """A client that was wrapped as one of another SDK can still be wrapped rightly."""
    pytest.importorskip("anthropic")
    from trackway.anthropic import wrap as wrap_anthropic

    with Provider(answer(chat())) as provider:
        client = connect(provider, traced=False)
        assert wrap(wrap_anthropic(client)) is client
        client.chat.completions.create(**ASK, name="right")
    assert spans.one("right")
