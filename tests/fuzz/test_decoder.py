"""Whatever bytes a stranger sends, decoding ends in a DecodeError, or in what the protobuf runtime reads as well.

Where the runtime refuses (a message in two parts that are no messages by themselves), nothing but a DecodeError may be
raised. What was decoded becomes a row of the store, whatever its attributes hold.
"""

import contextlib

from google.protobuf.message import DecodeError as RuntimeDecodeError  # type: ignore[import-untyped]  # it has no stubs
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2

from tests._wire.test_decode import EVERYTHING, REQUEST, facts, values_of
from trackway._store import normalize
from trackway._wire import decode
from trackway._wire.decode import DecodeError

REPLY = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=300, error_message="é")
).SerializeToString()
# What libFuzzer begins with.
SEEDS = (REQUEST, EVERYTHING, REPLY)
EDITS = st.lists(
    st.tuples(st.integers(0, len(REQUEST)), st.binary(max_size=6), st.integers(0, 6)), max_size=4
)


def edited(edits: list[tuple[int, bytes, int]]) -> bytes:
    """A sound request with pieces put in and cut out."""
    body = REQUEST
    for at, new, cut in edits:
        body = body[:at] + new + body[at + cut :]
    return body


def check(body: bytes) -> None:
    """Reads a request, and the same bytes as a reply, in both ways."""
    with contextlib.suppress(DecodeError):
        for resource, scope, payloads in decode.split_request(body):
            _group(resource, scope, payloads)
    with contextlib.suppress(DecodeError, RuntimeDecodeError):
        rejected, message = decode.partial_success(body)
        reply = ExportTraceServiceResponse.FromString(body).partial_success
        assert (rejected, message) == (reply.rejected_spans, reply.error_message)


def _group(resource: bytes, scope: bytes, payloads: list[bytes]) -> None:
    """The parts of a request one by one, each compared with what the runtime makes of it."""
    attributes, named = decode.decode_resource(resource), decode.decode_scope(scope)
    # By their text, since NaN is unequal to itself.
    with contextlib.suppress(RuntimeDecodeError):
        expected = trace_pb2.ResourceSpans.FromString(resource).resource
        assert repr(attributes) == repr(values_of(list(expected.attributes)))
        theirs = trace_pb2.ScopeSpans.FromString(scope).scope
        told = (theirs.name, theirs.version, values_of(list(theirs.attributes)))
        assert repr(named) == repr(told)
    shared = normalize.base(attributes)
    for payload in payloads:
        span = decode.decode_span(payload)
        with contextlib.suppress(RuntimeDecodeError):
            assert repr(span) == repr(facts(trace_pb2.ScopeSpans.FromString(payload).spans[0]))
        (normalize.score if normalize.is_score(span) else normalize.observation)(span, shared)


@given(EDITS.map(edited) | st.binary(max_size=80))
@example(REQUEST)
def test_any_body(body: bytes) -> None:
    """Sound requests with anything put in or cut out, and anything at all."""
    check(body)
