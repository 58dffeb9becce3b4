"""Reading what a provider says, whatever it says."""

from types import MappingProxyType

import pytest

from trackway._core.answers import count_in, listed, nested, take_in, tier_in
from trackway._core.usage import Parts


def test_the_first_that_says_something_counts() -> None:
    """Of several names the first with a value is read; one that is None says nothing."""
    assert count_in({"a": None, "b": 5, "c": 6}, "a", "b", "c") == 5
    assert count_in({}, "a") is None


def test_what_is_no_count_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What is no count is dropped, with a WARNING."""
    assert count_in({"a": "many"}, "a") is None
    assert "is not a count of tokens" in caplog.text


def test_a_part_is_taken_out_of_its_whole() -> None:
    """A detail that is there is moved out of what contains it; one that is not changes nothing."""
    parts = Parts(None)
    parts.add("input", 10)
    take_in(parts, "input_cached_tokens", {"cached": 4}, "cached", "input")
    take_in(parts, "input_audio_tokens", {"cached": 4}, "audio", "input")
    usage = parts.usage()
    assert usage is not None
    assert usage.buckets == {"input": 6, "input_cached_tokens": 4}


def test_only_mappings_have_fields() -> None:
    """Any mapping is read, and anything else as an empty one."""
    assert nested({"a": 5, "b": {"c": 1}}, "a", "b") == {"c": 1}
    assert nested({"a": MappingProxyType({"c": 1})}, "a") == {"c": 1}
    assert nested({"a": "text"}, "a") == {}


def test_a_list_is_summed_by_its_label() -> None:
    """Counts of one label add up; what is no mapping, or has no count, is passed over."""
    told = [{"kind": "x", "n": 1}, {"kind": "x", "n": 2}, {"kind": "y"}, "other"]
    assert listed({"all": told}, "kind", "n", "all") == {"x": 3}


def test_a_tier_is_a_short_text() -> None:
    """The name of a tier is its text, and no longer than a name is."""
    assert tier_in({"tier": "batch"}, "tier") == "batch"
    assert tier_in({"tier": "x" * 100}, "tier") == "x" * 40
    assert tier_in({}, "tier") is None
