"""Mask, then JSON under a budget, then redaction: nothing reaches the disk that did not pass all three."""

import json
from pathlib import Path

import pytest
from opentelemetry.trace.status import StatusCode

from tests.spans import only, spans, value_of
from trackway import Trackway, observe
from trackway._core.values import NO_ROOM, WITHHELD

SECRET = "sk-proj-abcDEF0123456789abcDEF0123456789"


def everything(client: Trackway, text: str) -> None:
    """An observation with *text* wherever an application may write."""

    @observe(name=text, as_type="generation")
    def call(value: object) -> str:
        client.update_current_span(
            metadata={"key": text},
            status_message=text,
            model_parameters={"stop": text},
        )
        client.score_current_span(name="n", value=text, comment=text, metadata={"k": text})
        raise ValueError(text)

    with pytest.raises(ValueError, match=text):
        call({"nested": [text]})
    observation = client.start_observation(name="o", input=text, output=text)
    observation.set_attribute("theirs", text)
    observation.add_event("e", {"theirs": text})
    observation.set_status(StatusCode.ERROR, text)
    observation.end()
    client.trace(name=text, input=text).end()


def written(home: Path) -> str:
    return b"".join(path.read_bytes() for path in home.rglob("*.seg")).decode("latin-1")


# -- mask --------------------------------------------------------------------------------------------------------------


def test_a_mask_sees_everything_first(home: Path) -> None:
    """Inputs, outputs, metadata, names, status messages, exceptions, scores and foreign attributes pass the mask."""

    def mask(*, data: object) -> object:
        return json.loads(json.dumps(data, default=str).replace("Alice", "A."))

    client = Trackway(mask=mask)
    everything(client, "Alice")
    client.flush()
    assert "Alice" not in written(home)
    assert written(home).count("A.") > 12


@pytest.mark.parametrize("answer", [None, KeyError("no")])
def test_a_mask_that_fails_withholds(
    home: Path, caplog: pytest.LogCaptureFixture, answer: Exception | None
) -> None:
    """Where it raises, or gives nothing for something, nothing of the value is written; it is said once a minute."""

    def mask(*, data: object) -> object:
        if answer is not None:
            raise answer
        return None

    client = Trackway(mask=mask)
    everything(client, "Alice")
    client.flush()
    assert "Alice" not in written(home)
    withheld = [span for span in spans(home) if span.name == WITHHELD]
    assert withheld
    assert value_of(withheld[0], "input") == WITHHELD
    assert withheld[0].status_message == WITHHELD
    assert len([r for r in caplog.records if "withheld" in r.message]) == 1


def test_a_mask_may_give_anything(home: Path) -> None:
    """What a mask gives is recorded as any value is; for a name or a message only a text will do."""
    client = Trackway(mask=lambda *, data: {"masked": type(data).__name__})
    client.start_observation(name="o", input=["secret"]).end()
    assert only(home).name == WITHHELD
    assert value_of(only(home), "input") == {"masked": "list"}


def test_a_mask_is_called_before_anything_is_cut(home: Path) -> None:
    """The mask gets the Python value as it is, whole."""
    seen: list[object] = []

    def mask(*, data: object) -> object:
        seen.append(data)
        return "masked"

    handed = ["x" * 10_000]
    Trackway(mask=mask, max_value_bytes=100).start_observation(name="o", input=handed).end()
    assert any(each is handed for each in seen)
    assert value_of(only(home), "input") == "masked"


# -- redaction ---------------------------------------------------------------------------------------------------------


def test_secrets_never_reach_the_disk(home: Path, client: Trackway) -> None:
    """Redaction is on by default, wherever an application may write."""
    everything(client, SECRET)
    client.start_observation(
        name="keys", input={"api_key": "abc", "n": 1}, metadata={"password": "abc"}
    ).end()
    client.flush()
    assert SECRET not in written(home)
    assert value_of(only(home, "keys"), "input") == {"api_key": "[redacted: key 'api_key']", "n": 1}
    told = only(home, "keys").attributes["langfuse.observation.metadata.password"]
    assert told == "[redacted: key 'password']"


def test_redaction_can_be_switched_off(home: Path) -> None:
    """With `redact=False` values are written as they are."""
    client = Trackway(redact=False)
    everything(client, SECRET)
    client.start_observation(name="keys", input={"api_key": "abc"}).end()
    assert value_of(only(home, "o"), "input") == SECRET
    assert value_of(only(home, "keys"), "input") == {"api_key": "abc"}


# -- budgets -----------------------------------------------------------------------------------------------------------


def test_a_value_is_cut_at_its_budget(home: Path) -> None:
    """`max_value_bytes` bounds each value; what is cut is marked in place, and JSON stays JSON."""
    client = Trackway(max_value_bytes=1_000)
    client.start_observation(
        name="o", input="x" * 5_000, output={"long": "y" * 5_000, "after": 1}
    ).end()
    found = only(home)
    assert len(str(value_of(found, "input"))) <= 1_000
    assert "cut>" in str(value_of(found, "input"))
    assert len(str(found.attributes["output.value"])) <= 1_000
    assert "cut>" in str(value_of(found))


def test_a_span_has_a_budget_for_all_of_its_values(home: Path, client: Trackway) -> None:
    """The values of one observation are 2 MiB at most together; what comes later says that it had no room."""
    observation = client.start_observation(name="o", input="x" * 3_000_000, output="y" * 3_000_000)
    observation.update(metadata={"key": "z" * 100, "last": "z" * 100})
    observation.end()
    found = only(home)
    total = sum(len(str(value)) for value in found.attributes.values())
    assert total < (2 << 20) + 2_000
    assert NO_ROOM.decode() in repr(found.attributes.values())


def test_updates_in_a_loop_do_not_use_up_the_budget(home: Path, client: Trackway) -> None:
    """A value that replaces another takes its room: only what is written counts."""
    observation = client.start_observation(name="o")
    for number in range(50):
        observation.update(output=f"{number} " + "x" * 100_000)
    observation.end()
    assert str(value_of(only(home))).startswith("49 x")


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, {"a": float("nan")}, 10**30, b"\xff", ..., type]
)
def test_whatever_is_handed_over_is_recorded_as_something(
    home: Path, client: Trackway, value: object
) -> None:
    """No value of Python raises, and each is recorded as JSON or text."""

    @observe
    def echo(given: object) -> object:
        return given

    assert echo(value) is value
    assert isinstance(value_of(only(home), "input"), dict)
    assert only(home).attributes["output.value"]
