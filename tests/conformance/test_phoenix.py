"""What a real Phoenix makes of our spans, read back through its REST and GraphQL interfaces."""

import threading
from typing import Final
from urllib.error import HTTPError

import pytest
from dirty_equals import IsPartialDict

from tests.conformance.calling import CALLS, TOKENS, send_calls
from tests.conformance.sending import KINDS, MESSAGES, send
from tests.conformance.servers import request

pytestmark = pytest.mark.timeout(600)

# It takes spans in later than it acknowledges them.
LATE_S: Final = 60
SPANS: Final = len(KINDS) + 5
QUERY: Final = """{projects{edges{node{name traceCount sessions(first: 5){edges{node{sessionId userId}}}
  spans(first: 50){edges{node{name spanKind userId statusCode statusMessage tokenCountPrompt tokenCountCompletion
    input{value mimeType} output{value mimeType} costSummary{total{tokens cost}}}}}}}}}"""


def spans_of(url: str, project: str, count: int = SPANS) -> dict[str, dict[str, object]]:
    """The spans of a project by name, once *count* are there."""
    found: list[dict[str, object]] = []
    for _ in range(LATE_S):
        try:
            answer = request(f"{url}/v1/projects/{project}/spans?limit=100")
        except HTTPError as error:
            error.close()
            assert error.code == 404, "a project is there with its first span"  # noqa: PT017 - what is not there yet is asked for again
        else:
            assert isinstance(answer, dict)
            found = answer["data"]
            if len(found) == count:
                break
        threading.Event().wait(1.0)
    assert len(found) == count
    return {str(span["name"]): span for span in found}


def test_every_field_arrives_over_rest(phoenix: str) -> None:
    """Ids, kinds, user, session, tags, metadata, input, output, model, parameters, tokens, errors and scores."""
    trace_id = send(phoenix, "rest")
    spans = spans_of(phoenix, "rest")
    for kind, word in KINDS.items():
        assert spans[f"a {kind}"]["span_kind"] == word
        assert spans[f"a {kind}"]["attributes"] == IsPartialDict({
            "input.value": f'{{"k":"{kind}"}}', "input.mime_type": "application/json",
            "output.value": f'["{kind}"]', "output.mime_type": "application/json",
        })  # fmt: skip
    for span in spans.values():
        assert span["context"] == IsPartialDict({"trace_id": trace_id})
        assert span["attributes"] == IsPartialDict({
            "user.id": "zoë", "session.id": "chat-rest", "tag.tags": ["a", "b,c"], "metadata.plan": "gold",
        })  # fmt: skip
    root, reply = spans["handle"], spans["reply"]
    assert (root["parent_id"], root["span_kind"]) == (None, "AGENT")
    assert root["attributes"] == IsPartialDict(
        {"input.value": "a question", "output.value": "an answer", "metadata.try": "1"}
    )
    assert reply["span_kind"] == "LLM"
    assert reply["attributes"] == IsPartialDict({
        "llm.model_name": "gpt-4o", "llm.invocation_parameters": '{"temperature":0.5}',
        "llm.token_count.prompt": 100, "llm.token_count.completion": 25, "llm.token_count.total": 125,
        "llm.token_count.prompt_details.cache_read": 90, "llm.token_count.completion_details.reasoning": 20,
    })  # fmt: skip
    failed = spans["fails"]
    assert (failed["status_code"], failed["status_message"]) == (
        "ERROR",
        "LookupError: no such word",
    )
    assert failed["events"] == [
        IsPartialDict({"name": "exception", "attributes": IsPartialDict({"exception.type": "LookupError"})})
    ]  # fmt: skip
    score = spans["gen_ai.evaluation.result"]
    context = root["context"]
    assert isinstance(context, dict)
    assert score["parent_id"] == context["span_id"]
    assert score["attributes"] == IsPartialDict({
        "gen_ai.evaluation.name": "quality", "gen_ai.evaluation.score.value": 0.75,
        "gen_ai.evaluation.explanation": "fine",
    })  # fmt: skip


def test_its_page_shows_what_we_sent(phoenix: str) -> None:
    """GraphQL, which its page reads, knows user, session, kinds, tokens, input, output and the error."""
    send(phoenix, "page")
    spans_of(phoenix, "page")
    answer = request(f"{phoenix}/graphql", {"query": QUERY})
    assert isinstance(answer, dict)
    assert "errors" not in answer
    projects = [edge["node"] for edge in answer["data"]["projects"]["edges"]]
    (project,) = [project for project in projects if project["name"] == "page"]
    assert project["traceCount"] == 1
    assert [edge["node"] for edge in project["sessions"]["edges"]] == [
        {"sessionId": "chat-page", "userId": "zoë"}
    ]
    spans = {edge["node"]["name"]: edge["node"] for edge in project["spans"]["edges"]}
    assert {span["userId"] for span in spans.values()} == {"zoë"}
    assert spans["handle"] == IsPartialDict({
        "spanKind": "agent", "input": {"value": "a question", "mimeType": "text"},
        "output": {"value": "an answer", "mimeType": "text"},
    })  # fmt: skip
    assert spans["reply"] == IsPartialDict(
        {"spanKind": "llm", "tokenCountPrompt": 100, "tokenCountCompletion": 25}
    )
    assert spans["reply"]["input"]["mimeType"] == "json"
    assert MESSAGES[0]["content"] in spans["reply"]["input"]["value"]
    assert spans["fails"]["statusCode"] == "ERROR"
    assert spans["fails"]["statusMessage"] == "LookupError: no such word"


def test_calls_of_the_integrations(phoenix: str) -> None:
    """The OpenAI wrapper's calls and the handler's chain: kinds, messages, tokens, model, user, the error, the tree."""
    send_calls(phoenix, "calls")
    spans = spans_of(phoenix, "calls", len(CALLS))
    assert {name: span["span_kind"] for name, span in spans.items()} == CALLS
    for name in ("whole", "streamed", "ChatOpenAI"):
        assert spans[name]["attributes"] == IsPartialDict({
            "llm.token_count.prompt": TOKENS[0], "llm.token_count.completion": TOKENS[1], "user.id": "zoë",
            "session.id": "chat-calls",
        })  # fmt: skip
        told = spans[name]["attributes"]
        assert isinstance(told, dict)
        assert "ein Gruß" in told["input.value"]
        assert "Forty-two" in told["output.value"]
        assert "gpt-4o" in told["llm.model_name"]
    assert spans["refused"]["status_code"] == "ERROR"
    assert "no such model" in str(spans["refused"]["status_message"])
    context = spans["chain"]["context"]
    assert isinstance(context, dict)
    assert spans["ChatOpenAI"]["parent_id"] == context["span_id"]
