"""From recorded spans to plain dictionaries: the same reading as the embedded store's, under the names of the API."""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from trackway._prices import catalog
from trackway._store.content import mapping, payload, values
from trackway._store.models import dollars
from trackway._store.normalize import base, is_score, observation, score
from trackway._store.pricing import price
from trackway._store.rows import Row
from trackway._testing.recorder import Recorded
from trackway._testing.shapes import Failure, Prompt, Score, Span, SpanEvent, SpanLink
from trackway._wire import attributes as names
from trackway._wire.decode import DecodedEvent, DecodedLink
from trackway._wire.encode import AttributeValue

__all__ = ["compact", "scores", "spans"]

_STATUS: Final = ("UNSET", "OK", "ERROR")
_EXCEPTION: Final = "exception"
# What differs from run to run, or from machine to machine.
_UNSTABLE: Final = frozenset(("id", "trace_id", "parent_id", "start_time", "end_time", "links"))
# What most observations say, so that saying it says nothing.
_USUAL: Final = {
    "level": "DEFAULT", "status": "UNSET", "scope": names.SCOPE_NAME, "tags": [], "events": [],
    **{key: {} for key in ("metadata", "model_parameters", "usage", "cost", "attributes")},
}  # fmt: skip


def spans(recorded: Iterable[Recorded]) -> list[Span]:
    """The observations among what was recorded."""
    return [_span(each) for each in recorded if not is_score(each.span)]


def scores(recorded: Iterable[Recorded]) -> list[Score]:
    """The scores among what was recorded."""
    return [_score(each) for each in recorded if is_score(each.span)]


def compact(span: Span, fields: tuple[str, ...]) -> dict[str, object]:
    """*fields* of a span; without any, all that it says and that is the same in every run."""
    if fields:
        return {"name": span["name"], **{field: span[field] for field in fields}}  # type: ignore[literal-required]  # names of the caller's
    said = {
        key: value
        for key, value in span.items()
        if key not in _UNSTABLE and value is not None and value != _USUAL.get(key)
    }
    if span["price_source"] == catalog.SOURCE:
        # What is listed changes with the list, and with whether it is installed.
        del said["cost"], said["price_source"]
    if span["exception"] is not None:
        said["exception"] = {key: span["exception"][key] for key in ("type", "message")}
    if span["events"]:
        said["events"] = [
            {"name": event["name"], "attributes": event["attributes"]} for event in span["events"]
        ]
    return said


def _span(recorded: Recorded) -> Span:
    span = recorded.span
    row = observation(span, base(recorded.resource))
    price(row, span, recorded.book)
    costs = cast("dict[str, int]", mapping(row.get("cost_details")))
    failure = mapping(row.get("exception"))
    return Span(
        name=span.name,
        kind=str(row["type"]).lower(),
        id=span.span_id,
        trace_id=span.trace_id,
        parent_id=span.parent_span_id,
        user_id=_text(row, "user_id"),
        session_id=_text(row, "session_id"),
        trace_name=_text(row, "trace_name"),
        tags=cast("list[str]", row.get("tags", [])),
        metadata={**values(row.get("trace_metadata")), **values(row.get("metadata"))},
        input=payload(row.get("input"), row.get("input_mime_type")),
        output=payload(row.get("output"), row.get("output_mime_type")),
        model=_text(row, "model"),
        model_parameters=mapping(row.get("model_parameters")),
        usage=cast("dict[str, int]", mapping(row.get("usage_details"))),
        cost={bucket: dollars(pico) or 0.0 for bucket, pico in costs.items()},
        price_source=_text(row, "price_source"),
        level=str(row["level"]),
        status=_STATUS[span.status_code] if 0 <= span.status_code < len(_STATUS) else "UNSET",
        status_message=_text(row, "status_message"),
        exception=cast("Failure", failure) if failure else None,
        prompt=_prompt(row),
        environment=_text(row, "environment"),
        release=_text(row, "release"),
        version=_text(row, "version"),
        attributes=mapping(row.get("attributes")),
        events=[_event(each) for each in span.events if each.name != _EXCEPTION],
        links=[_link(each) for each in span.links],
        scope=recorded.scope,
        start_time=span.start,
        end_time=span.end,
    )


def _score(recorded: Recorded) -> Score:
    row = score(recorded.span, base(recorded.resource))
    number = row["value"]
    value = number if number is not None else row["label"]
    metadata = recorded.span.attributes.get(names.TRACKWAY_SCORE_METADATA)
    return Score(
        name=str(row["name"]),
        value=bool(value) if row["data_type"] == "BOOLEAN" else cast("float | str", value),
        data_type=str(row["data_type"]),
        comment=_text(row, "comment"),
        metadata=mapping(metadata),
        id=str(row["score_id"]),
        trace_id=_text(row, "trace_id"),
        observation_id=_text(row, "observation_id"),
        session_id=_text(row, "session_id"),
        user_id=_text(row, "user_id"),
        environment=_text(row, "environment"),
    )


def _text(row: Row, column: str) -> str | None:
    return cast("str | None", row.get(column))


def _prompt(row: Row) -> Prompt | None:
    name = _text(row, "prompt_name")
    version = cast("int | None", row.get("prompt_version"))
    return None if name is None else Prompt(name=name, version=version)


def _event(event: DecodedEvent) -> SpanEvent:
    return SpanEvent(name=event.name, time=event.time, attributes=_plain(event.attributes))


def _link(link: DecodedLink) -> SpanLink:
    return SpanLink(
        trace_id=link.trace_id, span_id=link.span_id, attributes=_plain(link.attributes)
    )


def _plain(attributes: Mapping[str, AttributeValue]) -> dict[str, object]:
    """Sequences as lists: what JSON would give back."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in attributes.items()
    }
