"""The kernels take whatever they are handed, and encode what their twins encode."""

import sys
from contextlib import suppress

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import twins
from tests._core.hostile import BYTES, DICT, INT, LIST, STR, Everything, Hostile
from tests._wire import spans
from trackway._core.context import _with
from trackway._delivery.record import Record
from trackway._wire.anyvalue import key_field
from trackway._wire.encode import TextKey, attribute

KERNELS = twins.compiled()
ENCODE = twins.in_python("trackway._wire.encode")

# -- twins ------------------------------------------------------------------------------------------------------------


@given(spans.keys, spans.texts | spans.long_texts)
def test_a_field_of_text_is_that_of_its_twin(key: str, text: str) -> None:
    """`text_field` writes what `TextKey.field` writes, and what any attribute looks like."""
    utf8 = text.encode()
    field = KERNELS.text_field(key_field(key), utf8)
    assert field == TextKey(key).field(utf8) == attribute(key, text)


@pytest.mark.parametrize("key", ["k", "k" * 110, "k" * 16_370])
def test_fields_of_every_length_of_length(key: str) -> None:
    """The lengths of the text, the value and the pair may each be one to four bytes long."""
    head, twin = key_field(key), TextKey(key)
    sizes = {edge + near for edge in (0, 1 << 7, 1 << 14, 1 << 21) for near in range(-140, 8)}
    for size in sorted(size for size in sizes if size >= 0):
        text = b"x" * size
        assert KERNELS.text_field(head, text) == twin.field(text)


ids = st.binary(min_size=16, max_size=16)
half_ids = st.binary(min_size=8, max_size=8)
odd_texts = st.text(st.characters() | st.sampled_from("\ud800\udfffé😀"), max_size=200)
odd_numbers = st.sampled_from([-1, 1 << 31, 1 << 32, 1 << 63, 1 << 64, 1 << 70, 1.5, None, True])
parts = st.lists(st.binary(max_size=300) | st.integers(100, 20_000).map(bytes), max_size=5)


@given(st.tuples(
    parts, ids, half_ids, st.just(b"") | half_ids, spans.texts, st.integers(0, 5),
    spans.times, spans.times, st.integers(0, 0x3FF),
))  # fmt: skip
def test_a_span_is_that_of_its_twin(fields: tuple[object, ...]) -> None:
    """`join_span` gives the bytes that its twin gives, and hands back no usual span."""
    assert joined(*fields) == ENCODE.join_span(*fields)


def joined(*fields: object) -> object:
    return KERNELS.join_span(*fields)  # type: ignore[arg-type]  # whatever a test hands in


@given(st.tuples(
    st.lists(st.binary(max_size=9), max_size=3) | st.lists(st.binary(max_size=9)).map(tuple),
    ids | st.binary(max_size=20), half_ids | st.binary(max_size=9), half_ids | st.binary(max_size=9),
    odd_texts | st.integers(), st.integers(0, 255) | odd_numbers, spans.times | odd_numbers,
    spans.times | odd_numbers, st.integers(0, (1 << 32) - 1) | odd_numbers,
))  # fmt: skip
def test_an_odd_span_is_that_of_its_twin_or_handed_back(fields: tuple[object, ...]) -> None:
    """Whatever is out of the ordinary, `join_span` gives the twin's bytes or leaves it to the twin."""
    found = joined(*fields)
    assert found is NotImplemented or found == ENCODE.join_span(*fields)


def test_bytes_come_from_lists_of_bytes_alone() -> None:
    """A subclass of the types that a span is made of is left to the twin: its methods are the application's."""
    usual: list[object] = [[b"x"], b"t" * 16, b"s" * 8, b"p" * 8, "name", 1, 1, 2, 3]
    assert joined(*usual) is not NotImplemented
    odd = [LIST([b"x"]), BYTES(b"t" * 16), BYTES(b"s" * 8), BYTES(b"p" * 8), STR("name")]
    odd += ["1", 1.0, None, b"3"]
    for place, value in enumerate(odd):
        assert joined(*usual[:place], value, *usual[place + 1 :]) is NotImplemented


# -- whatever is handed over ------------------------------------------------------------------------------------------

# `Hostile`, which the methods of the hostile raise, is none of these.
ERRORS = (TypeError, ValueError, OverflowError, BufferError, MemoryError)
POOL: list[object] = [
    None, True, 0, 1, -1, 256, 1 << 31, (1 << 63) - 1, -(1 << 63), 1 << 64, 10**40, 0.5, "", "text", "\ud800", b"",
    b"x" * 40, bytearray(400), memoryview(bytes(400)), memoryview(bytearray(800))[::2], [], [b"x"], [[[[]]]], {},
    {"k": [1, {"k": 2}]}, {1: 2}, (), (1, "a"), set(), {"k"}, frozenset("k"), NotImplemented, int, dict, tuple, Record,
    LIST([1]), DICT(a=1), STR("s"), INT(5), BYTES(b"b"), Everything(),
]  # fmt: skip
# By number: hypothesis would ask the values for their hash.
pool = st.integers(0, len(POOL) - 1).map(lambda number: POOL[number])
NAMES = ("look", "text_field", "join_span", "checksum", "store", "scan")


@given(st.sampled_from(NAMES), st.lists(pool, max_size=10))
@example("look", [[[[]]], 1 << 62, 1 << 62, (1 << 31) - 1, None])
@example("store", [bytearray(800), (1 << 63) - 8, b"x", 0, 0, 0])
@example("scan", [bytes(400), 0, 0, 0, (1 << 63) - 1, 0, 0, 1, Record])
def test_wrong_arguments_are_errors(name: str, given_values: list[object]) -> None:
    """Any arguments of any number give a result or a usual error, and no method of theirs is called."""
    kernel: twins.Kernel = getattr(KERNELS, name)
    with suppress(*ERRORS):
        kernel(*given_values)


@given(st.tuples(pool, pool, pool, pool, pool))
def test_wrong_arguments_of_plain_are_errors(given_values: tuple[object, ...]) -> None:
    """As above, for the kernel that calls orjson."""
    kernel: twins.Kernel = getattr(KERNELS, "plain")  # noqa: B009 - whatever a test hands over
    with suppress(*ERRORS):
        kernel(*given_values, orjson.dumps, 0)


def test_deep_values_end_at_the_levels() -> None:
    """However deep a value is and however many levels are allowed, the stack holds: such levels are the twin's."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    kernel = KERNELS
    assert kernel.look(deep, 1000, 1 << 40, 200, None) is None
    assert kernel.look(deep, 1000, 1 << 40, 201, None) is NotImplemented
    assert kernel.look([[]], 1000, 1 << 40, (1 << 31) - 1, None) is NotImplemented
    while deep:  # taken apart here, not on the stack of a destructor
        (deep,) = deep  # type: ignore[assignment]  # the next level


def test_no_set_of_keys_but_a_set_makes_keys_harmless() -> None:
    """Where keys matter they come as a set; anything else is refused, never "keys do not matter"."""
    for harmless in (frozenset("k"), ["k"], {"k": 1}, False):
        with pytest.raises(TypeError):
            KERNELS.look({"api_key": "x"}, 100, 100, 20, harmless)  # type: ignore[arg-type]  # the test's point


USUAL: dict[str, list[object]] = {
    "look": [{"k": [1, "text" * 5, 2.5, None]}, 1000, 1000, 20, {"k"}],
    "plain": [{"k": [1, "text" * 5, 2.5, None]}, 1000, 1000, 20, {"k"}, orjson.dumps, 0],
    "derive": [dict, {"a": object(), "b": object()}, "c", object()],
    "text_field": [b"head" * 5, b"text" * 5],
    "join_span": [[b"field" * 9], b"t" * 16, b"s" * 8, b"p" * 8, "näme", 1, 1 << 60, 1 << 61, 3],
    "checksum": [b"payload" * 20, 1 << 31, 1 << 31, 1 << 31],
    "store": [bytearray(800), 256, b"payload" * 20, 1 << 31, 1 << 31, 1 << 40],
    "scan": [bytes(800), 256, 1 << 31, 7, 1 << 40, 0, 1 << 40, 1 << 40, Record],
}  # fmt: skip


@pytest.mark.parametrize("name", USUAL)
def test_nothing_is_kept_and_nothing_is_lost(name: str) -> None:
    """A kernel holds no reference to what it was given or gave, and gives none away that is not its own."""
    kernel: twins.Kernel = getattr(KERNELS, name)
    usual = USUAL[name]
    odd = [[*usual[:place], Everything(), *usual[place + 1 :]] for place in range(len(usual))]
    before = blocks = 0
    for turn in range(3):
        for given_values in [usual, *odd] * 100:
            with suppress(*ERRORS, Hostile):
                kernel(*given_values)
        if turn == 1:  # caches are full
            before = sum(map(sys.getrefcount, usual))
            blocks = sys.getallocatedblocks()
    assert abs(sum(map(sys.getrefcount, usual)) - before) < 50
    assert sys.getallocatedblocks() - blocks < 90


# -- contexts ---------------------------------------------------------------------------------------------------------


class Mapping(dict[str, object]):
    """As OpenTelemetry's Context is one."""


keys = st.text(max_size=3)


@given(st.dictionaries(keys, st.integers()), st.lists(st.tuples(keys, st.integers())))
def test_a_derived_context_is_that_of_its_twin(
    before: dict[str, object], pairs: list[tuple[str, int]]
) -> None:
    """`derive` gives a new mapping of the kind asked for, equal to its twin's, in its order; the old one stays."""
    context = Mapping(before)
    flat = [each for pair in pairs for each in pair]
    made = KERNELS.derive(Mapping, context, *flat)
    expected = _with(Mapping, context, *flat)  # type: ignore[arg-type]  # a mapping like the context
    assert type(made) is Mapping
    assert list(made.items()) == list(expected.items())
    assert context == before
