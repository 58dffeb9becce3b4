"""Baggage: what goes along with requests, what is believed of what comes in, and that both name the right user."""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, get_current

from tests.spans import only
from trackway import Trackway, propagate_attributes, set_user
from trackway._core.baggage import MAX_BYTES, entries, header, read
from trackway._core.propagated import validated

W3C = W3CBaggagePropagator()
SENT = {
    "langfuse_user_id": "Älice & co=1",
    "langfuse_session_id": "s-1",
    "langfuse_version": "v2",
    "langfuse_trace_name": "chat",
    "langfuse_environment": "staging",
    "langfuse_tags": '["a,b","c\\"d"]',
    "langfuse_prompt_name": "answer",
    "langfuse_prompt_version": "7",
    "langfuse_metadata_plan": "pro",
    "langfuse_metadata_seats": "3",
}


def everything(*, as_baggage: bool) -> object:
    return propagate_attributes(
        user_id="Älice & co=1",
        session_id="s-1",
        version="v2",
        trace_name="chat",
        environment="staging",
        tags=["a,b", 'c"d'],
        metadata={"plan": "pro", "seats": 3},
        prompt={"name": "answer", "version": 7},
        as_baggage=as_baggage,
    )


def carried() -> dict[str, object]:
    """The baggage of this context."""
    return dict(baggage.get_all())


@contextmanager
def brought(found: Mapping[str, str]) -> Iterator[None]:
    """A context in which an instrumentation has extracted this baggage."""
    before = get_current()
    context = before
    for key, text in found.items():
        context = baggage.set_baggage(key, text, context)
    attach(context)
    try:
        yield
    finally:
        attach(before)


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_unasked(client: Trackway) -> None:
    """Without `as_baggage` there is no baggage at all, whatever is propagated and observed."""
    with everything(as_baggage=False), client.start_as_current_observation(name="root"):  # type: ignore[attr-defined]
        set_user("bob")
        assert carried() == {}


def test_a_block_sends_what_it_says() -> None:
    """With `as_baggage` every attribute is in the baggage under the incumbent's key, until the block ends."""
    with everything(as_baggage=True):  # type: ignore[attr-defined]
        assert carried() == SENT
    assert carried() == {}


def test_the_header_is_percent_encoded_and_read_back() -> None:
    """OpenTelemetry's propagator, at either end, and our own header give the same values back."""
    carrier: dict[str, str] = {}
    with everything(as_baggage=True):  # type: ignore[attr-defined]
        W3C.inject(carrier)
    for text in (carrier["baggage"], header(SENT)):
        assert text.isascii()
        assert dict(baggage.get_all(W3C.extract({"baggage": text}))) == SENT
    assert "%20" in header(SENT)
    assert "+" not in header(SENT)


def test_baggage_of_others_stays() -> None:
    """What the application has in its baggage under other names is left alone."""
    with brought({"tenant": "7"}):
        with propagate_attributes(user_id="alice", as_baggage=True):
            assert carried() == {"tenant": "7", "langfuse_user_id": "alice"}
        assert carried() == {"tenant": "7"}


def test_inner_blocks_add_to_what_is_sent() -> None:
    """Blocks that send are merged as blocks are: inner scalars win, tags add up, metadata is merged."""
    outer = propagate_attributes(
        user_id="alice", tags=["a"], metadata={"k": "1", "l": "1"}, as_baggage=True
    )
    inner = propagate_attributes(session_id="s", tags=["b"], metadata={"k": "2"}, as_baggage=True)
    with outer, inner:
        assert carried() == {
            "langfuse_user_id": "alice",
            "langfuse_session_id": "s",
            "langfuse_tags": '["a","b"]',
            "langfuse_metadata_k": "2",
            "langfuse_metadata_l": "1",
        }


def test_another_user_inside_takes_the_outer_one_out() -> None:
    """A block, or `set_user`, that says another user without sending it leaves no user in the baggage."""
    with propagate_attributes(user_id="alice", session_id="s", as_baggage=True):
        with propagate_attributes(user_id="bob"):
            assert carried() == {"langfuse_session_id": "s"}
            with propagate_attributes(user_id="carol", as_baggage=True):
                assert carried()["langfuse_user_id"] == "carol"
        assert carried()["langfuse_user_id"] == "alice"
        set_user("dave")
        assert carried() == {"langfuse_session_id": "s"}


def test_below_a_low_level_trace_its_own_user_counts(client: Trackway) -> None:
    """Inside an observation of a trace that says another user, the user of the block around is not sent."""
    trace = client.trace(name="trace", user_id="bob")
    with propagate_attributes(user_id="alice", as_baggage=True):
        with trace.start_as_current_observation(name="step"):
            assert carried() == {}
        assert carried() == {"langfuse_user_id": "alice"}


def test_too_much_is_not_sent_at_all(caplog: pytest.LogCaptureFixture) -> None:
    """Beyond 4 KiB nothing is sent, the outer block's user neither, with one WARNING."""
    metadata = {f"key{number}": "x" * 200 for number in range(20)}
    with propagate_attributes(user_id="alice", as_baggage=True):
        for _ in range(2):
            with propagate_attributes(user_id="bob", metadata=metadata, as_baggage=True):
                assert carried() == {}
        assert carried() == {"langfuse_user_id": "alice"}
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "Dropping baggage" in caplog.text


@given(st.text(), st.lists(st.text(max_size=250)), st.dictionaries(st.text(), st.text()))
def test_the_header_fits_and_loses_nothing(
    user: str, tags: list[str], metadata: dict[str, str]
) -> None:
    """Whatever is propagated, the header has at most 4 KiB, and what it holds is read back as it was."""
    block = validated(user_id=user, tags=tags, metadata=metadata, no=lambda *_: None)
    found = entries(block)
    assert len(header(found)) <= MAX_BYTES
    context = Context()
    for key, text in found.items():
        context = baggage.set_baggage(key, text, context)
    back = read(context)
    if found and back is not None:
        assert back.user_id == (found.get("langfuse_user_id") or None)
        clean = tuple(tag for tag in back.tags)
        assert clean == tuple(dict.fromkeys(clean))


def test_secrets_do_not_leave() -> None:
    """What looks like a secret is replaced before it becomes baggage, by name and by shape."""
    key = "sk-proj-" + "a1B2c3D4" * 6
    with propagate_attributes(metadata={"api_key": "s3cret-value", "note": key}, as_baggage=True):
        shown = str(carried())
    assert "s3cret-value" not in shown
    assert key not in shown


def test_a_mask_decides_before_anything_leaves() -> None:
    """With a client that masks, tags and metadata are masked in the baggage as well."""

    def mask(*, data: object) -> object:
        return "<mail>" if isinstance(data, str) and "@" in data else data

    Trackway(mask=mask)
    with propagate_attributes(metadata={"mail": "a@example.org"}, tags=["x@y"], as_baggage=True):
        assert carried() == {
            "langfuse_metadata_mail": "<mail>",
            "langfuse_tags": '["<mail>"]',
        }


# -- what is believed --------------------------------------------------------------------------------------------------


def test_incoming_baggage_is_not_believed_unasked(home: Path, client: Trackway) -> None:
    """Whoever sends a request cannot choose its user, unless the setting says so."""
    with brought(SENT):
        client.create_event(name="event")
    assert only(home).attributes.keys().isdisjoint({"user.id", "session.id", "langfuse.trace.tags"})


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_believed_baggage_is_on_every_observation(
    home: Path, monkeypatch: pytest.MonkeyPatch, how: Literal["argument", "variable"]
) -> None:
    """With `accept_baggage` a trace that begins here carries what was brought, down to its last child."""
    if how == "variable":
        monkeypatch.setenv("TRACKWAY_ACCEPT_BAGGAGE", "1")
    client = Trackway(accept_baggage=True if how == "argument" else None)
    with brought(SENT), client.start_as_current_observation(name="root"):
        client.create_event(name="child")
    for name in ("root", "child"):
        found = only(home, name).attributes
        assert found["user.id"] == "Älice & co=1"
        assert found["session.id"] == "s-1"
        assert found["langfuse.trace.tags"] == ("a,b", 'c"d')
        assert found["langfuse.trace.metadata.plan"] == "pro"
        assert found["langfuse.observation.prompt.version"] == 7


def test_a_block_here_beats_what_was_brought(home: Path) -> None:
    """What this service says wins over baggage, key by key, whether it sends it on or not."""
    client = Trackway(accept_baggage=True)
    for as_baggage in (False, True):
        with (
            brought({"langfuse_user_id": "mallory", "langfuse_session_id": "s"}),
            propagate_attributes(user_id="alice", as_baggage=as_baggage),
            client.start_as_current_observation(name=f"root {as_baggage}"),
        ):
            expected = {"langfuse_session_id": "s"}
            sent = {"langfuse_user_id": "alice"} if as_baggage else {}
            assert carried() == expected | sent
        found = only(home, f"root {as_baggage}").attributes
        assert (found["user.id"], found["session.id"]) == ("alice", "s")


def test_what_is_not_believed_does_not_mix_with_what_is_sent(client: Trackway) -> None:
    """A service that sends its own user does not send a stranger's session along."""
    with brought({"langfuse_user_id": "mallory", "langfuse_session_id": "evil"}):
        with propagate_attributes(user_id="alice", as_baggage=True):
            assert carried() == {"langfuse_user_id": "alice"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('["a","b, c"]', ("a", "b, c")),
        ("['t1', 't2']", ("t1", "t2")),
        (
            repr(["it's", 'say "x"', "new\nline", "é\x00"]),
            ("it's", 'say "x"', "new\nline", "é\x00"),
        ),
        ("a,b , c", ("a", "b", "c")),
        ("one", ("one",)),
        ("[odd", ("[odd",)),
        ("[1, 2]", ()),
        ("[]", ()),
    ],
)
def test_tags_are_read_as_every_sdk_writes_them(written: str, expected: tuple[str, ...]) -> None:
    """A JSON array, the `repr` of a Python list, and texts with commas between are all lists of tags."""
    found = read(baggage.set_baggage("langfuse_tags", written, Context()))
    assert found is not None
    assert found.tags == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)))
def test_a_python_list_is_read_as_written(tags: list[str]) -> None:
    """The `repr` of any list of texts gives these texts back, each once."""
    if (text := str(tags)).startswith('["') and len(tags) == 1:
        return  # JSON as well, with other escapes
    found = read(baggage.set_baggage("langfuse_tags", text, Context()))
    assert found is not None
    assert found.tags == tuple(dict.fromkeys(tags))


def test_metadata_of_the_incumbent_is_plain_text_here() -> None:
    """A value that its Python SDK wrote as a JSON string is that string; other JSON stays text."""
    context = Context()
    for key, text in (("a", '"pro"'), ("b", "3"), ("c", '"broken'), ("d", '{"x": 1}')):
        context = baggage.set_baggage(f"langfuse_metadata_{key}", text, context)
    found = read(context)
    assert found is not None
    assert found.metadata == {"a": "pro", "b": "3", "c": '"broken', "d": '{"x": 1}'}


def test_what_was_brought_is_checked_like_arguments(caplog: pytest.LogCaptureFixture) -> None:
    """Too long, of a wrong form: dropped with one WARNING for all of it, which quotes nothing."""
    context = Context()
    for key, text in (
        ("user_id", "u" * 201),
        ("environment", "Prod!"),
        ("session_id", "s"),
        ("prompt_version", "one"),
        ("metadata_evil\nname", "x" * 201),
    ):
        context = baggage.set_baggage(f"langfuse_{key}", text, context)
    found = read(context)
    assert found is not None
    assert (found.user_id, found.environment, found.session_id) == (None, None, "s")
    assert (found.metadata, found.prompt) == ({}, None)
    assert len(caplog.records) == 1
    assert "evil" not in caplog.text


@given(st.dictionaries(st.sampled_from([*SENT, "langfuse_metadata_x", "other"]), st.text()))
def test_no_baggage_makes_it_raise(found: dict[str, str]) -> None:
    """Whatever a request brings, reading it gives attributes within their limits, and never raises."""
    context = Context()
    for key, text in found.items():
        context = baggage.set_baggage(key, text, context)
    back = read(context)
    if back is not None:
        texts = (back.user_id, back.session_id, back.version, *back.tags, *back.metadata.values())
        assert all(text is None or len(text) <= 200 for text in texts)


# -- the property ------------------------------------------------------------------------------------------------------


def test_baggage_never_names_another_user(count: Callable[[int, int], int]) -> None:
    """In every nesting of blocks, whoever the baggage names is who is propagated there, or nobody."""
    steps = [(user, sends) for user in ("alice", "bob", None) for sends in (True, False)]
    for nesting in itertools.product(steps, repeat=count(3, 5)):
        _descend(nesting, None)


def _descend(nesting: tuple[tuple[str | None, bool], ...], user: str | None) -> None:
    assert carried().get("langfuse_user_id") in {user, None}
    if nesting:
        said, sends = nesting[0]
        with propagate_attributes(user_id=said, session_id="s", as_baggage=sends):
            if said is not None and sends:
                assert carried()["langfuse_user_id"] == said
            _descend(nesting[1:], user if said is None else said)
