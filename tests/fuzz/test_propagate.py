"""Whatever `propagate_attributes` and `set_user` are given, nothing is raised, and what is carried is within the rules.

Texts of at most 200 characters, unique tags, metadata of texts; afterwards the context is the one from before.
"""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import attach, get_current

from tests.fuzz.test_values import VALUES
from trackway import propagate_attributes, set_user
from trackway._core.context import propagated_in
from trackway._core.propagated import MAX_LENGTH, Propagated
from trackway._wire.decode import decode_attributes

LONG = st.integers(195, 205).map(lambda size: "é" * size)
GIVEN = st.one_of(VALUES, st.text(st.characters(), max_size=8), LONG, st.none())
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "user_id": GIVEN,
        "session_id": GIVEN,
        "version": GIVEN,
        "trace_name": GIVEN,
        "environment": GIVEN | st.from_regex(r"[a-z0-9_-]{0,45}", fullmatch=True),
        "tags": GIVEN | st.lists(GIVEN, max_size=4) | st.tuples(GIVEN, GIVEN),
        "metadata": GIVEN | st.dictionaries(st.text(max_size=5) | LONG, GIVEN, max_size=4),
        "prompt": GIVEN | st.fixed_dictionaries({"name": GIVEN, "version": GIVEN | st.integers()}),
    },
)


def within_the_rules(carried: Propagated) -> None:
    """What may be on a span."""
    texts = [
        carried.user_id,
        carried.session_id,
        carried.version,
        carried.trace_name,
        carried.environment,
        *carried.tags,
        *carried.metadata,
        *carried.metadata.values(),
    ]
    for text in texts:
        if text is not None:
            assert type(text) is str
            assert len(text) <= MAX_LENGTH
            text.encode()
    assert len(set(carried.tags)) == len(carried.tags)
    for bits in range(4):
        decode_attributes(carried.block(bits))


@given(st.lists(ARGUMENTS, min_size=1, max_size=3), GIVEN, GIVEN)
def test_any_arguments(blocks: list[Mapping[str, object]], user: object, session: object) -> None:
    """Blocks inside one another, of any arguments, and a user who is learnt in the middle."""
    before = get_current()

    def open_from(depth: int) -> None:
        if depth == len(blocks):
            set_user(user, session_id=session)  # type: ignore[arg-type]  # on purpose
        else:
            with propagate_attributes(**blocks[depth]):  # type: ignore[arg-type]  # on purpose
                carried = propagated_in(get_current())
                assert carried is not None
                within_the_rules(carried)
                open_from(depth + 1)
                after = propagated_in(get_current())
                assert after is not None
                within_the_rules(after)

    open_from(0)
    assert propagated_in(get_current()) is propagated_in(before)
    attach(before)
