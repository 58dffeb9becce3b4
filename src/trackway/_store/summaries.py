"""Traces and sessions, from rows to models."""

from typing import Final, cast
from urllib.parse import quote

from trackway._store.content import Content, values
from trackway._store.models import Session, Trace
from trackway._store.query import TRACE_FIELDS
from trackway._store.times import from_microseconds
from trackway._store.users import known_cost

__all__ = ["session_of", "trace_of"]

PAGE_URL: Final = "http://127.0.0.1:4319"


def trace_of(row: tuple[object, ...], content: Content) -> Trace:
    """From a row of `Source.trace_rows`."""
    project, trace_id, *rest = row
    got = dict(zip(TRACE_FIELDS, rest, strict=True))
    start, end = cast("int", got["start_us"]), cast("int", got["end_us"])
    first_tags, tags = (
        cast("list[str]", got["first_tags"] or []),
        cast("list[str]", got["tags"] or []),
    )
    metadata = values(got["root_metadata"])
    for text in sorted(text for text in cast("list[str | None]", got["trace_metadata"]) if text):
        metadata |= values(text)
    return Trace(
        id=cast("str", trace_id),
        project=cast("str", project),
        name=cast("str", got["name"] or ""),
        timestamp=from_microseconds(start),
        end_time=from_microseconds(end),
        latency=(end - start) / 1e6,
        user_id=cast("str | None", got["user_id"]),
        session_id=cast("str | None", got["session_id"]),
        tags=[*dict.fromkeys((*first_tags, *sorted(tags)))],
        environment=cast("str | None", got["environment"]),
        release=cast("str | None", got["release"]),
        version=cast("str | None", got["version"]),
        status=cast("str", got["status"]),
        level=cast("str", got["level"]),
        status_message=cast("str | None", got["status_message"]),
        observation_count=cast("int", got["observation_count"]),
        error_count=cast("int", got["error_count"]),
        models=sorted(model for model in cast("list[str | None]", got["models"]) if model),
        input_tokens=cast("int", got["input_tokens"]),
        output_tokens=cast("int", got["output_tokens"]),
        total_tokens=cast("int", got["total_tokens"]),
        cost_pico=known_cost(got["cost"], got["unpriced"]),
        cost_complete=not got["unpriced"],
        # What the trace's first observation carries was meant for all of it.
        metadata={**metadata, **values(got["first_metadata"])},
        url=f"{PAGE_URL}/project/{quote(cast('str', project), safe='')}/traces/{trace_id}",
        content=content,
    )


def session_of(row: tuple[object, ...]) -> Session:
    """From a row of `Source.sessions`."""
    session_id, users, first, last, traces, errors, tokens, cost, unpriced = row
    return Session(
        session_id=cast("str", session_id),
        user_ids=sorted(user for user in cast("list[str | None]", users) if user),
        first_seen=from_microseconds(cast("int", first)),
        last_seen=from_microseconds(cast("int", last)),
        traces=cast("int", traces),
        errors=cast("int", errors),
        total_tokens=cast("int", tokens),
        cost_pico=known_cost(cost, unpriced),
        cost_complete=not unpriced,
    )
