"""The clients for clouds: Bedrock, Vertex, Foundry speak HTTP of their own, and are recorded as Anthropic's is."""

from collections.abc import Iterator
from typing import Any

import anthropic as sdk
import pytest

from tests.backend import Behaviour
from tests.providers.anthropic import ANSWER, BUCKETS, events, message
from tests.providers.aws import event, exception, framed, refusal
from tests.providers.clients import block, closed, each, got, run
from tests.providers.server import Provider, answer, named_events, routed, stream
from trackway.anthropic import instrument, wrap
from trackway.testing import Span, Spans

OUTPUT = {"role": "assistant", "content": [{"type": "text", "text": ANSWER}]}
# What the model calls itself, whatever it was asked for as.
SAID = "claude-sonnet-4-5-20250929"
BEGUN, *REST = events()
EVENTS: list[dict[str, Any]] = [{**BEGUN, "message": {**BEGUN["message"], "model": SAID}}, *REST]
# 12 tokens at $3, 100 from the cache at $0.30 and 9 out at $15 a million; a tenth more in a region of Bedrock's.
GLOBAL, REGIONAL = 0.000201, 0.0002211

BEDROCK = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
MODELS = {
    "Bedrock": BEDROCK,
    "Vertex": "claude-sonnet-4-5@20250929",
    "Foundry": "our-sonnet",
}
PROVIDERS = {"Bedrock": "aws.bedrock", "Vertex": "gcp.vertex_ai", "Foundry": "azure.ai.inference"}

clouds = pytest.mark.parametrize("cloud", MODELS)
kinds = pytest.mark.parametrize("kind", ["", "Async"])


def ask(cloud: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": "What is six times seven?"}]
    return {"model": MODELS[cloud], "max_tokens": 100, "messages": messages}


def made(cloud: str, kind: str, provider: Provider, **given: Any) -> Any:
    """A client of the SDK's, at the provider's own address."""
    own: dict[str, dict[str, Any]] = {
        "Bedrock": {"aws_access_key": "a", "aws_secret_key": "x", "aws_region": "us-east-1", "base_url": provider.url},
        "Vertex": {"access_token": "x", "project_id": "p", "region": "us-east5", "base_url": f"{provider.url}/v1"},
        "Foundry": {"api_key": "x", "base_url": f"{provider.url}/anthropic"},
    }  # fmt: skip
    cls = getattr(sdk, f"{kind}Anthropic{cloud}")
    return cls(max_retries=0, **own[cloud], **given)


def speak(path: str, body: dict[str, Any]) -> Behaviour:
    """What each cloud answers at its paths, which alone name the model for Bedrock and Vertex."""
    if path == f"/model/{BEDROCK}/invoke-with-response-stream":
        return framed(map(event, EVENTS))
    if path.endswith(":streamRawPredict") or body.get("stream"):
        return stream(named_events(EVENTS))
    assert path in {
        f"/model/{BEDROCK}/invoke",
        "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
        "/anthropic/v1/messages",
        "/v1/messages",
    }
    return answer(message(model=SAID))


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A server that speaks as all of them do."""
    with Provider(routed(speak)) as server:
        yield server


def check(span: Span, cloud: str) -> None:
    """That this is the whole call, by its cloud, at the price there."""
    assert (span["output"], span["usage"]) == (OUTPUT, BUCKETS)
    assert (span["model"], span["level"], span["status_message"]) == (SAID, "DEFAULT", None)
    assert span["cost"]["total"] == GLOBAL, cloud


@clouds
@kinds
@pytest.mark.parametrize("path", ["messages", "beta.messages"])
def test_a_whole_message(
    cloud: str, kind: str, path: str, provider: Provider, spans: Spans
) -> None:  # fmt: skip
    """A message is one generation with its user and cost; the server sees nothing of our arguments."""

    async def program() -> None:
        client = wrap(made(cloud, kind, provider))
        resource = client.messages if path == "messages" else client.beta.messages
        found = await got(resource.create(**ask(cloud), name="ask", trackway_user_id="alice"))
        assert found.content[0].text == ANSWER
        assert not any("trackway" in key or key == "name" for key in provider.sent[0])
        await closed(client)

    run(program())
    (span,) = spans
    assert (span["name"], span["user_id"]) == ("ask", "alice")
    assert span["model_parameters"] == {"max_tokens": 100}
    check(span, cloud)


@clouds
@kinds
@pytest.mark.parametrize("way", ["create", "stream", "bytes"])
def test_a_stream(cloud: str, kind: str, way: str, provider: Provider, spans: Spans) -> None:
    """Frames and events of a stream are one generation, whether they are read as events or as bytes."""

    async def program() -> None:
        client = wrap(made(cloud, kind, provider))
        if way == "create":
            async for _ in each(await got(client.messages.create(**ask(cloud), stream=True))):
                pass
        elif way == "stream":
            async with block(client.messages.stream(**ask(cloud))) as found:
                async for _ in each(found):
                    pass
        else:
            raw = client.messages.with_streaming_response
            async with block(raw.create(**ask(cloud), stream=True)) as found:
                async for _ in each(found.iter_bytes(9)):
                    pass
        await closed(client)

    run(program())
    (span,) = spans
    check(span, cloud)


@clouds
@kinds
def test_clients_of_clients(cloud: str, kind: str, provider: Provider, spans: Spans) -> None:
    """What `with_options` makes is traced, and understands our arguments, too."""

    async def program() -> None:
        client = wrap(made(cloud, kind, provider))
        await got(client.with_options(timeout=30).messages.create(**ask(cloud), name="ask"))
        await closed(client)

    run(program())
    check(spans.one("ask"), cloud)


@clouds
@kinds
def test_instrumenting_them(cloud: str, kind: str, provider: Provider, spans: Spans) -> None:
    """`instrument` traces all clients of clouds; once undone, those that it met are as without it."""

    async def program() -> None:
        undo = instrument()
        try:
            client = made(cloud, kind, provider)
            await got(client.messages.create(**ask(cloud), name="ask"))
        finally:
            undo()
        await got(client.messages.create(**ask(cloud)))
        with pytest.raises(TypeError, match="name"):
            await got(client.messages.create(**ask(cloud), name="ask"))
        await closed(client)
        untraced = made(cloud, kind, provider)
        await got(untraced.messages.create(**ask(cloud)))
        await closed(untraced)

    run(program())
    (span,) = spans
    check(span, cloud)


@kinds
def test_a_failing_stream_of_bedrock(kind: str, spans: Spans) -> None:
    """An exception in the middle is an error, with what had arrived; a refusal has its status."""

    async def program() -> None:
        broken = [*map(event, EVENTS[:4]), exception("throttlingException", "Too many tokens")]
        with Provider(framed(broken, size=11), refusal(429, "ThrottlingException", "no")) as server:
            client = wrap(made("Bedrock", kind, server))
            with pytest.raises(sdk.APIStatusError):
                async for _ in each(
                    await got(client.messages.create(**ask("Bedrock"), stream=True))
                ):
                    pass
            with pytest.raises(sdk.RateLimitError):
                await got(client.messages.create(**ask("Bedrock")))
            await closed(client)

    run(program())
    broken, refused = spans
    assert (broken["status"], refused["status"]) == ("ERROR", "ERROR")
    assert "Too many tokens" in (broken["status_message"] or "")
    assert broken["output"] is not None
    assert refused["attributes"]["http.response.status_code"] == 429


def test_who_answers(provider: Provider, spans: Spans) -> None:
    """The provider is the cloud by the client's class, whatever host it calls; a subclass is one, too."""

    class Mine(sdk.AnthropicBedrock):
        pass

    for cloud in MODELS:
        client = wrap(made(cloud, "", provider))
        client.messages.create(**ask(cloud), name=cloud)
        client.close()
    mine: Any = Mine(aws_access_key="a", aws_secret_key="b", aws_region="r", base_url=provider.url)
    wrap(mine).messages.create(**ask("Bedrock"), name="Mine")
    mine.close()
    told = [each.span for each in spans._recorder.recorded()]
    found = {span.name: span.attributes["gen_ai.provider.name"] for span in told}
    assert found == {**PROVIDERS, "Mine": "aws.bedrock"}


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("BedrockMantle", {"aws_access_key": "a", "aws_secret_key": "x", "aws_region": "r"}, "aws.bedrock"),
        ("AWS", {"aws_access_key": "a", "aws_secret_key": "x", "aws_region": "r", "workspace_id": "w"}, "anthropic"),
        ("GoogleCloud", {"token_provider": "x".lower, "project": "p", "location": "l", "workspace_id": "w"},
         "anthropic"),
    ],
)  # fmt: skip
def test_clients_of_2026(
    name: str, given: dict[str, Any], told: str, provider: Provider, spans: Spans
) -> None:
    """Clients that newer releases have for the same clouds are traced as well, and take our arguments."""
    make = getattr(sdk, f"Anthropic{name}", None)
    if make is None:
        pytest.skip("this release of the SDK has no such client")
    client = wrap(make(base_url=provider.url, max_retries=0, **given))
    client.messages.create(**ask("Foundry"), name="ask")
    client.close()
    assert spans.one("ask")["output"] == OUTPUT
    (recorded,) = spans._recorder.recorded()
    assert recorded.span.attributes["gen_ai.provider.name"] == told


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        (BEDROCK, GLOBAL),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", REGIONAL),
        (f"arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.{SAID}-v1:0", REGIONAL),
    ],
)  # fmt: skip
def test_a_region_of_bedrock_has_its_price(model: str, cost: float, spans: Spans) -> None:
    """What was asked for tells the region, which the name that the model gives itself does not."""
    with Provider(answer(message(model=SAID))) as server:
        with wrap(made("Bedrock", "", server)) as client:
            client.messages.create(**{**ask("Bedrock"), "model": model})
    (span,) = spans
    assert span["cost"]["total"] == cost


def test_a_client_without_its_messages_says_so() -> None:
    """A traced class whose client was never made has no messages, and says it as any object does."""
    client = wrap(object.__new__(sdk.AnthropicBedrock))
    with pytest.raises(
        AttributeError, match=r"'AnthropicBedrock' object has no attribute 'messages'"
    ):
        _ = client.messages
