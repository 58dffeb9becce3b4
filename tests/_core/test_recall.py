"""What is found of secrets whose formats the rules were not written from."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests._core.scanners import planted
from trackway._core.redact import redact_text


def test_recall_of_what_was_not_looked_at(
    count: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of formats that the rules were not written from, as many are found as docs/values.md says."""
    asked: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    for each in planted(count(8, 40)):
        asked[each.kind, each.half] += 1
        found[each.kind, each.half] += each.secret not in redact_text(each.text)
    recall = {key: found[key] / asked[key] for key in sorted(asked)}
    with capsys.disabled():
        print()
        for (kind, half), share in recall.items():
            print(f"recall, {kind}, half {half}: {share:.2%} of {asked[kind, half]:,}")
    assert recall["named", "B"] >= 0.99
    assert recall["shaped", "A"] >= 0.93
    assert recall["shaped", "B"] >= 0.70
