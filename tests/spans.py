"""Reads back what a client wrote: the records of its spool, decoded, from the files and nothing else."""

import json
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from trackway._delivery.chain import LOCAL, chains
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import FLAG_PARTIAL, FLAG_UPDATE, KIND_SPAN, Record
from trackway._wire.decode import DecodedSpan, decode_resource, decode_scope, decode_span

__all__ = [
    "Tail",
    "exception_of",
    "level_of",
    "only",
    "records",
    "resource_of",
    "scope_of",
    "spans",
    "value_of",
    "writes",
]


class Tail:
    """Follows the spool of a destination: each `read` gives the records that came since the last."""

    def __init__(self, directory: Path, destination: str = LOCAL) -> None:
        self._root = directory / "spool"
        self._destination = destination
        self._readers: dict[Path, ChainReader] = {}

    def records(self) -> list[Record]:
        """What was appended since the last look, oldest chain first."""
        found: list[Record] = []
        for chain in chains(self._root, self._destination):
            reader = self._readers.setdefault(chain, ChainReader(chain))
            while more := reader.read():
                found += more
            assert not reader.damaged_bytes, f"{chain} is damaged"
        return found

    def read(self) -> list[DecodedSpan]:
        """The spans among them."""
        return [decode_span(r.payload) for r in self.records() if r.kind == KIND_SPAN]

    def scopes(self) -> list[tuple[bytes, bytes]]:
        """The (resource, scope) fields that the records read so far stand under."""
        return [pair for reader in self._readers.values() for pair in reader.scopes.values()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for reader in self._readers.values():
            reader.close()


def records(directory: Path, destination: str = LOCAL) -> list[Record]:
    """Every record of a destination, in the order in which it was appended."""
    with Tail(directory, destination) as tail:
        return tail.records()


def spans(directory: Path, destination: str = LOCAL) -> list[DecodedSpan]:
    """The spans of a destination, each once: of a span that was written again, the latest."""
    latest: dict[str, DecodedSpan] = {}
    for record in records(directory, destination):
        if record.kind == KIND_SPAN:
            span = decode_span(record.payload)
            again = record.flags & FLAG_UPDATE or span.span_id not in latest
            assert again, f"{span.name} was written twice"
            latest[span.span_id] = span
    return list(latest.values())


def writes(directory: Path, destination: str = LOCAL) -> list[tuple[str, str]]:
    """(name, how) of every record of a span, *how* being `partial`, `update` or `whole`."""
    said = {FLAG_PARTIAL: "partial", FLAG_UPDATE: "update", 0: "whole"}
    return [
        (decode_span(record.payload).name, said[record.flags])
        for record in records(directory, destination)
        if record.kind == KIND_SPAN
    ]


def only(directory: Path, name: str | None = None, destination: str = LOCAL) -> DecodedSpan:
    """The one span (of that name) that there is."""
    found = [s for s in spans(directory, destination) if name is None or s.name == name]
    assert len(found) == 1, f"{len(found)} spans: {[s.name for s in found]}"
    return found[0]


def resource_of(directory: Path, destination: str = LOCAL) -> dict[str, object]:
    """The attributes of the one resource of a destination's spans."""
    with Tail(directory, destination) as tail:
        tail.records()
        resources = {resource for resource, _ in tail.scopes()}
    assert len(resources) == 1, f"{len(resources)} resources"
    return {**decode_resource(resources.pop())}


def scope_of(directory: Path, destination: str = LOCAL) -> list[tuple[str, str]]:
    """Name and version of every instrumentation scope of a destination's spans."""
    with Tail(directory, destination) as tail:
        tail.records()
        return sorted({decode_scope(scope)[:2] for _, scope in tail.scopes()})


def value_of(span: DecodedSpan, side: Literal["input", "output"] = "output") -> object:
    """The input or output of a span: a text, or what its JSON says; None where there is none."""
    text = span.attributes.get(f"{side}.value")
    if span.attributes.get(f"{side}.mime_type") != "application/json":
        return text
    value: object = json.loads(str(text))
    return value


def level_of(span: DecodedSpan) -> tuple[int, str, object]:
    """Status code, status message and level of a span; they go together."""
    return span.status_code, span.status_message, span.attributes.get("langfuse.observation.level")


def exception_of(span: DecodedSpan) -> tuple[object, object, str]:
    """Type, message and stack of the one exception that a span recorded."""
    (event,) = (event for event in span.events if event.name == "exception")
    told = event.attributes
    return told["exception.type"], told["exception.message"], str(told["exception.stacktrace"])
