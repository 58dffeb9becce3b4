"""What a block propagates passes what every value passes: no secret and nothing masked rests on the disk."""

from pathlib import Path

from tests.spans import spans
from trackway import Trackway, propagate_attributes

SECRET = "sk-proj-" + "a1B2c3D4" * 6


def test_propagated_texts_are_redacted(home: Path) -> None:
    """Secrets in propagated metadata, tags, names and versions are marks on every observation."""
    client = Trackway()
    metadata = {"api_key": "hunter2hunter2", "note": f"uses {SECRET}"}
    with (
        propagate_attributes(
            user_id="alice", metadata=metadata, tags=[SECRET], trace_name=SECRET, version=SECRET
        ),
        client.start_as_current_observation(
            name="a", model=SECRET, metadata={"own": 1}
        ) as observation,
    ):
        observation.score(name="quality", value=1)
    client.shutdown()
    for segment in home.rglob("*.seg"):
        data = segment.read_bytes()
        assert SECRET.encode() not in data
        assert b"hunter2hunter2" not in data
    first, second = sorted(spans(home), key=lambda span: span.name)
    for span in (first, second):
        assert span.attributes["user.id"] == "alice"
        assert span.attributes["langfuse.trace.metadata.api_key"] == "[redacted: key 'api_key']"


def test_two_clients_record_a_block_each_in_its_way(home: Path, tmp_path: Path) -> None:
    """A block that two clients see is redacted for the one, and as it is for the one that asked for that."""
    plain = Trackway(directory=tmp_path / "plain", redact=False)
    careful = Trackway()
    with propagate_attributes(tags=[SECRET]):
        for client in (plain, careful):
            client.start_observation(name="a").end()
    for client in (plain, careful):
        client.shutdown()
    (kept,), (clean,) = spans(tmp_path / "plain"), spans(home)
    assert kept.attributes["langfuse.trace.tags"] == (SECRET,)
    assert SECRET not in str(clean.attributes)


def test_a_mask_sees_metadata_and_tags_but_not_the_user(home: Path) -> None:
    """The mask decides about propagated metadata, tags and the trace's name; users stay who they are."""
    client = Trackway(mask=lambda *, data: "<hidden>" if isinstance(data, str) else data)
    with propagate_attributes(user_id="alice", metadata={"k": "v"}, tags=["t"], trace_name="n"):
        client.start_observation(name="a").end()
    client.shutdown()
    (span,) = spans(home)
    assert span.attributes["user.id"] == "alice"
    assert span.attributes["langfuse.trace.metadata.k"] == "<hidden>"
    assert span.attributes["langfuse.trace.tags"] == ("<hidden>",)
    assert span.attributes["langfuse.trace.name"] == "<hidden>"


def test_a_level_that_is_taken_back_takes_its_status_along(home: Path) -> None:
    """ERROR marks the span as failed; a lower level afterwards unmarks it."""
    client = Trackway()
    client.start_observation(name="a", level="ERROR").update(level="WARNING").end()
    client.shutdown()
    (span,) = spans(home)
    assert span.status_code == 0


def test_attributes_of_the_opentelemetry_api_have_a_budget(home: Path) -> None:
    """A huge text is cut and marked like a value; what would take the span beyond its 2 MiB is dropped and counted."""
    client = Trackway()
    observation = client.start_observation(name="a")
    observation.set_attribute("small", "x")
    for name in ("huge", "too much", "as much"):
        observation.set_attribute(name, "x" * (3 << 20))
    observation.end()
    client.shutdown()
    (span,) = spans(home)
    found = span.attributes
    assert (found["small"], "too much" in found, span.dropped_attributes) == ("x", False, 2)
    assert 0.9 * (1 << 20) < len(str(found["huge"])) <= 1 << 20
    assert "cut>" in str(found["huge"])
