"""Whatever a span says, the protobuf runtime reads from our bytes what went in, and so does our own decoder."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from tests._wire import spans
from tests._wire.test_decode import facts, values_of
from trackway._wire import decode, encode
from trackway._wire.encode import AttributeValue


@given(
    spans.sdk_spans(),
    spans.attribute_mappings,
    st.text(st.characters(), max_size=20),
    st.lists(st.text(st.characters(), max_size=9), max_size=3),
)
def test_any_span(
    span: ReadableSpan,
    suffix: dict[str, AttributeValue],
    odd: str,
    several: list[str],
) -> None:
    """Any span of the SDK, any suffix, and texts that are no Unicode."""
    payload = spans.payload(span)
    assert decode.decode_span(payload) == facts(spans.parsed(payload))
    late: dict[str, AttributeValue] = {**suffix, "odd": odd, odd or "k": several}
    grown = encode.append_suffix(payload, encode.attributes(late))
    read = spans.parsed(grown)
    assert decode.decode_span(grown) == facts(read)
    clean = odd.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    found = values_of(list(read.attributes))
    assert found["odd"] in (clean, tuple(several))
    scope = span.instrumentation_scope
    assert scope is not None
    groups = [
        (encode.resource(late), encode.scope(odd, scope.version or "", suffix), [payload, grown])
    ]
    body = encode.request(groups)
    assert encode.request(decode.split_request(body)) == body
    assert len(list(decode.decode_request(body))) == 2
