"""Which records travel together."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests._delivery.sending import RESOURCE, SCOPE, span, span_id
from trackway._delivery.batch import Batch
from trackway._delivery.gather import Run
from trackway._delivery.record import FLAG_UNPRICED, FLAG_UPDATE, HEADER_SIZE, Record, padded
from trackway._wire import encode

SCOPES = {1: (RESOURCE, SCOPE), 2: (RESOURCE, encode.scope("other", "2"))}


def records(sizes: list[int], scopes: list[int] | None = None) -> list[Record]:
    found: list[Record] = []
    at = 256
    for index, size in enumerate(sizes):
        payload = span(index, size)
        end = at + padded(HEADER_SIZE + len(payload))
        found.append(Record(1, at, end, 0, (scopes or [1] * len(sizes))[index], 0, payload))
        at = end
    return found


def ids(batch: Batch) -> list[str]:
    found = ExportTraceServiceRequest.FromString(batch.body())
    return [
        s.span_id.hex()
        for r in found.resource_spans
        for scope in r.scope_spans
        for s in scope.spans
    ]


def test_the_body_is_the_request_of_all_records() -> None:
    """The official decoder finds every span under its own resource and scope."""
    batch = Batch.of(records([10, 20, 30], [1, 2, 1]), SCOPES)
    found = ExportTraceServiceRequest.FromString(batch.body())
    scopes = {
        scope.scope.name: [s.span_id.hex() for s in scope.spans]
        for resource in found.resource_spans
        for scope in resource.scope_spans
    }
    assert scopes == {"trackway": [span_id(0), span_id(2)], "other": [span_id(1)]}
    assert {a.key for r in found.resource_spans for a in r.resource.attributes} == {"service.name"}


def test_only_what_is_flagged_as_unpriced_is_completed() -> None:
    """Its payload is replaced, its place is not; without such a record nothing is touched."""
    plain, updated, unpriced = records([10, 20, 30])
    updated, unpriced = (
        updated._replace(flags=FLAG_UPDATE),
        unpriced._replace(flags=FLAG_UNPRICED | FLAG_UPDATE),
    )
    before = Batch.of([plain, updated, unpriced], SCOPES)
    longer = span(2, 300)
    after = before.completed(lambda payload: longer if payload == unpriced.payload else b"")
    assert after.records == (plain, updated, unpriced._replace(payload=longer))
    assert (after.end, after.size) == (
        before.end,
        before.size + len(longer) - len(unpriced.payload),
    )
    untouched = Batch.of([plain, updated], SCOPES)
    assert untouched.completed(lambda _payload: b"") is untouched


def test_a_lost_scope_costs_no_span() -> None:
    """Spans whose scope record was damaged travel without one."""
    assert ids(Batch.of(records([1], [9]), SCOPES)) == [span_id(0)]


@given(st.lists(st.integers(0, 5_000), min_size=2, max_size=60), st.booleans())
def test_halves_are_the_whole(sizes: list[int], gathered: bool) -> None:
    """Two halves hold all records in order, neither is empty, and the first ends where the second begins."""
    batch = in_bulk(records(sizes)) if gathered else Batch.of(records(sizes), SCOPES)
    first, second = batch.halves()
    assert first.records + second.records == batch.records
    assert len(first) >= 1
    assert len(second) >= 1
    assert second.end == batch.end
    assert first.end == (1, batch.records[len(first) - 1].end)
    assert first.size + second.size == batch.size


def in_bulk(them: list[Record]) -> Batch:
    """The same, each gathered for itself."""
    return Batch.of_runs([Run.of(record) for record in them], SCOPES)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=20))
def test_what_was_gathered_is_the_same_request(sizes: list[int]) -> None:
    """Byte for byte, and as long; nothing of it waits for its cost."""
    single, bulk = Batch.of(records(sizes), SCOPES), in_bulk(records(sizes))
    assert b"".join(bulk.parts()) == bulk.body() == single.body() == b"".join(single.parts())
    assert (len(bulk), bulk.size, bulk.end) == (len(single), single.size, single.end)
    assert not bulk.scores
    assert bulk.completed(lambda _payload: b"") is bulk
