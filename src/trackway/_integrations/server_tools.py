"""Tools that run at the provider and are paid for beside the tokens: what an answer says of them, as units of `Usage`.

Of OpenAI's, an answer has an item for each call; newer ones count the searches that are billed (`tool_usage`), which
counts more than items. Opening a page that was found costs nothing. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["paid_calls"]

_UNITS: Final = {
    "code_interpreter_call": "code_interpreter_calls",
    "file_search_call": "file_searches",
    "image_generation_call": "image_generations",
    "web_search_call": "web_searches",
}
# As LangChain calls them in its own content blocks.
_NAMED: Final = {"file_search": "file_search_call", "web_search": "web_search_call"}


def paid_calls(items: Iterable[Any], tool_usage: Any = None) -> dict[str, int]:
    """How often which unit was used, by the *items* of an answer and by what the provider counts itself."""
    units = Counter(unit for item in items if (unit := _unit(item)) is not None)
    counted = tool_usage.get("web_search") if isinstance(tool_usage, Mapping) else None
    billed = counted.get("num_requests") if isinstance(counted, Mapping) else None
    if type(billed) is int and billed >= 0:
        units["web_searches"] = billed
    return {name: count for name, count in units.items() if count}


def _unit(item: Any) -> str | None:
    if not isinstance(item, Mapping) or item.get("status") == "failed":
        return None
    kind = item.get("type")
    if kind == "server_tool_call":
        kind = _NAMED.get(str(item.get("name")))
    action = item.get("action")
    if kind == "web_search_call" and isinstance(action, Mapping):
        return _UNITS[kind] if action.get("type") in {None, "search"} else None
    return _UNITS.get(str(kind))
