"""Tests for `trackway._integrations.server_tools`: what runs at the provider and is paid for is counted, and priced."""

import json
from typing import Any

import pytest

from tests._integrations.conftest import Connect
from tests.providers.openai import ANSWER, MESSAGE, response
from tests.providers.server import Provider, answer, named_events, stream
from trackway._integrations.server_tools import paid_calls
from trackway.testing import Spans

ASK: dict[str, Any] = {"model": "gpt-4o", "input": "What is new?"}
SEARCH = {
    "type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "news"},
}  # fmt: skip
OPENED = {**SEARCH, "action": {"type": "open_page", "url": "https://example.com"}}
FILES = {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["news"]}
RAN = {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c"}
DRAWN = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": None}


@pytest.mark.parametrize(
    ("items", "tool_usage", "units"),
    [
        ([MESSAGE, "text", 5, None], None, {}),
        ([SEARCH, OPENED, SEARCH], None, {"web_searches": 2}),
        ([{"type": "web_search_call"}], None, {"web_searches": 1}),  # as releases of 2025 have it
        ([{**SEARCH, "status": "failed"}], None, {}),
        ([SEARCH], {"web_search": {"num_requests": 3}}, {"web_searches": 3}),
        ([SEARCH], {"web_search": {"num_requests": 0}}, {}),
        ([SEARCH], {"web_search": {"num_requests": "3"}}, {"web_searches": 1}),
        ([SEARCH], {"web_search": 3}, {"web_searches": 1}),
        ([FILES, FILES, RAN, DRAWN], {}, {"file_searches": 2, "code_interpreter_calls": 1, "image_generations": 1}),
        ([{"type": "server_tool_call", "name": "web_search"}, {"type": "server_tool_call", "name": "x"}], None,
         {"web_searches": 1}),
    ],
)  # fmt: skip
def test_what_is_paid_for_is_counted(
    items: list[Any], tool_usage: Any, units: dict[str, int]
) -> None:
    """Each search counts, a page that is opened and a call that failed do not; the provider's own count comes first."""
    assert paid_calls(items, tool_usage) == units


@pytest.mark.parametrize("streamed", [False, True])
def test_searches_are_part_of_the_cost(streamed: bool, connect: Connect, spans: Spans) -> None:
    """A response's searches are paid for at their own price, beside its tokens."""
    found = response(SEARCH, FILES, MESSAGE, tool_usage={"web_search": {"num_requests": 2}})
    events = named_events([{"type": "response.completed", "sequence_number": 0, "response": found}])
    with Provider(stream(events) if streamed else answer(found)) as provider:
        client = connect(provider, base_url="https://api.openai.com/v1")
        given = client.responses.create(**ASK, stream=streamed)
        assert len(list(given)) == 1 if streamed else given.output_text == ANSWER
    cost = spans[0]["cost"]
    assert (cost["web_searches"], cost["file_searches"]) == (0.02, 0.0025)
    assert cost["total"] == pytest.approx(
        sum(amount for name, amount in cost.items() if name != "total")
    )
    (recorded,) = spans._recorder.recorded()
    units = json.loads(str(recorded.span.attributes["trackway.usage.units"]))
    assert units == {"file_searches": 1, "web_searches": 2}


@pytest.mark.parametrize("item", [RAN, DRAWN])
def test_what_has_no_price_is_not_left_out(
    item: dict[str, Any], connect: Connect, spans: Spans
) -> None:
    """A run of code or a drawing, whose price no list has, makes the call unpriced instead of too cheap."""
    with Provider(answer(response(item, MESSAGE))) as provider:
        connect(provider, base_url="https://api.openai.com/v1").responses.create(**ASK)
    assert spans[0]["usage"]["total"] > 0
    assert spans[0]["cost"] == {}
