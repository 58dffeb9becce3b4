"""What may be propagated: kept as it is or dropped with one warning that names it, and merged by simple rules."""

from pathlib import Path

import pytest

from tests.spans import only, spans
from trackway import Trackway, propagate_attributes


def test_tags_are_an_ordered_union(home: Path, client: Trackway) -> None:
    """Tags of nested blocks are joined in order, each once."""
    with propagate_attributes(tags=["b", "a", "b"]), propagate_attributes(tags=("c", "a")):
        client.create_event(name="e")
    assert only(home).attributes["langfuse.trace.tags"] == ("b", "a", "c")


def test_keys_stay_unique(home: Path, client: Trackway) -> None:
    """What an observation says itself takes the place of what is propagated under the same key."""
    prompt = {"name": "p", "version": 1}
    with propagate_attributes(version="block", metadata={"k": "block"}, prompt=prompt):
        client.start_observation(
            name="own", version="own", metadata={"k": "own"}, prompt={"name": "q", "version": 2}
        ).end()
    found = only(home).attributes
    assert found["langfuse.version"] == "own"
    assert found["langfuse.observation.prompt.name"] == "q"
    assert found["metadata"] == '{"k":"own"}'
    assert found["langfuse.trace.metadata.k"] == "block"
    assert found["langfuse.observation.metadata.k"] == "own"


@pytest.mark.parametrize("name", ["user_id", "session_id", "version", "trace_name"])
@pytest.mark.parametrize(
    "value", ["x" * 200, "🦉" * 200, "用户 é", "", " ", "line\nbreak", "nul\0"], ids=ascii
)
def test_a_text_of_two_hundred_characters_is_kept(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, name: str, value: str
) -> None:
    """Any text of at most 200 characters is kept as it is, without a word."""
    with propagate_attributes(**{name: value}):  # type: ignore[arg-type]  # by name
        client.create_event(name="e")
    assert only(home).attributes[_key(name)] == value
    assert caplog.records == []


@pytest.mark.parametrize("name", ["user_id", "session_id", "version", "trace_name"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x" * 201, "is over 200 characters (201 chars)"),
        (7, "is not a string"),
        (b"alice", "is not a string"),
        (["alice"], "is not a string"),
        (object(), "is not a string"),
        ("\ud83e", "has a lone surrogate"),
    ],
    ids=["201", "int", "bytes", "list", "object", "surrogate"],
)
def test_what_is_no_such_text_is_dropped_with_one_warning(
    home: Path,
    client: Trackway,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: object,
    reason: str,
) -> None:
    """Dropped, never cut and never raised; one WARNING names the attribute and the reason; the outer value stays."""
    with propagate_attributes(**{name: "outer"}):  # type: ignore[arg-type]  # by name
        for _ in range(3):
            with propagate_attributes(**{name: value}):  # type: ignore[arg-type]  # by name
                client.create_event(name="e")
    assert [span.attributes[_key(name)] for span in spans(home)] == ["outer"] * 3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"'{name}'" in record.message
    assert reason in record.message


def _key(name: str) -> str:
    return {
        "user_id": "user.id",
        "session_id": "session.id",
        "version": "langfuse.version",
        "trace_name": "langfuse.trace.name",
    }[name]


def test_none_is_skipped_in_silence(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """None means "not given", for every argument."""
    nothing = dict.fromkeys(
        ("session_id", "metadata", "version", "tags", "trace_name", "environment", "prompt")
    )
    with propagate_attributes(user_id="alice"), propagate_attributes(**nothing):  # type: ignore[arg-type]  # one mapping for the test
        client.create_event(name="e")
    assert only(home).attributes["user.id"] == "alice"
    assert caplog.records == []


@pytest.mark.parametrize("value", ["prod", "a" * 40, "eu-west_1", "0"])
def test_an_environment_is_kept(home: Path, client: Trackway, value: str) -> None:
    """1 to 40 of a-z, 0-9, - and _."""
    with propagate_attributes(environment=value):
        client.create_event(name="e")
    assert only(home).attributes["langfuse.environment"] == value


@pytest.mark.parametrize("value", ["Prod", "a" * 41, "langfuse-eu", "a b", "", "é", 7])
def test_what_is_no_environment_is_dropped(
    home: Path, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    """Other environments are dropped with a WARNING; that of the client stays."""
    client = Trackway(environment="mine")
    with propagate_attributes(environment=value):  # type: ignore[arg-type]  # odd ones
        client.create_event(name="e")
    assert only(home).attributes["langfuse.environment"] == "mine"
    assert "'environment'" in caplog.text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"text": "as it is"}, {"text": "as it is"}),
        ({"number": 1.5, "flag": True}, {"number": "1.5", "flag": "true"}),
        ({"nested": {"a": [1, None]}}, {"nested": '{"a":[1,null]}'}),
        ({"none": None, "a": "b"}, {"a": "b"}),
        ({"x": "y" * 200}, {"x": "y" * 200}),
        ({"x": "y" * 201, "a": "b"}, {"a": "b"}),
        ({"x": {"y": "z" * 200}, "a": "b"}, {"a": "b"}),
        ({"k" * 201: "y", "": "y", "a": "b"}, {"a": "b"}),
        ({7: "y", None: "y", "a": "b"}, {"a": "b"}),
        ({"x": "\ud800", "a": "b"}, {"a": "b"}),
        ([("a", "b")], {}),
        ("text", {}),
        (7, {}),
    ],
)
def test_metadata_is_kept_or_dropped_key_by_key(
    home: Path,
    client: Trackway,
    caplog: pytest.LogCaptureFixture,
    value: object,
    kept: dict[str, str],
) -> None:
    """Strings as they are, other values as JSON of at most 200 characters; what cannot be used is named."""
    with propagate_attributes(metadata=value):  # type: ignore[arg-type]  # odd ones
        client.create_event(name="e")
    prefix = "langfuse.trace.metadata."
    found = only(home).attributes
    assert {key.removeprefix(prefix): found[key] for key in found if key.startswith(prefix)} == kept
    given = len(value) - [*value.values()].count(None) if isinstance(value, dict) else 1
    assert ("metadata" in caplog.text) == (given != len(kept))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (["a", 7, "b" * 201, "c"], ("a", "c")),
        ({"a"}, ("a",)),
        ("text", None),
        (7, None),
        ([], None),
        (["🦉"], ("🦉",)),
    ],
)
def test_tags_are_kept_or_dropped_one_by_one(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, value: object, kept: object
) -> None:
    """Each tag is a text of at most 200 characters; a tag that is not is dropped and named, the others stay."""
    with propagate_attributes(tags=value):  # type: ignore[arg-type]  # odd ones
        client.create_event(name="e")
    assert only(home).attributes.get("langfuse.trace.tags") == kept
    assert ("tags" in caplog.text) == (value not in ({"a"}, [], ["🦉"]))


def test_a_hostile_mapping_harms_nobody(
    home: Path, client: Trackway, swallowing: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Metadata whose own code fails is dropped; the block is entered, and what it gave beside is lost with a word."""

    class Hostile(dict[str, str]):
        def keys(self) -> object:  # type: ignore[override]  # hostile
            raise RuntimeError

        def __iter__(self) -> object:  # type: ignore[override]  # hostile
            raise RuntimeError

    with propagate_attributes(metadata=Hostile(a="b")):
        client.create_event(name="e")
    assert only(home).name == "e"
