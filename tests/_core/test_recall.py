"""What is found of secrets whose formats the rules were not written from."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests._core.scanners import planted
from trackway._core.redact import redact_text

# By file, kind and half, the least share that has to be found: below what docs/values.md says by what chance may do.
BARS = {
    "scanners.txt": {
        ("named", "A"): 0.985,
        ("named", "B"): 0.985,
        ("shaped", "A"): 0.98,
        ("shaped", "B"): 0.97,
    },
    "detectors.txt": {
        ("named", "A"): 0.98,
        ("named", "B"): 0.98,
        ("again", "A"): 0.98,
        ("again", "B"): 0.95,
        ("shaped", "A"): 0.87,
        ("shaped", "B"): 0.90,
    },
    "rulesets.txt": {
        ("named", "A"): 0.95,
        ("named", "B"): 0.84,
        ("again", "A"): 0.97,
        ("again", "B"): 0.90,
        ("shaped", "A"): 0.88,
        ("shaped", "B"): 0.60,
    },
}


@pytest.mark.parametrize("file", BARS)
def test_recall_of_what_others_find(
    file: str, count: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of formats that other scanners list, as many are found as docs/values.md says."""
    asked: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    for each in planted(count(8, 40), file):
        asked[each.kind, each.half] += 1
        found[each.kind, each.half] += each.secret not in redact_text(each.text)
    recall = {key: found[key] / asked[key] for key in sorted(asked)}
    with capsys.disabled():
        print()
        for (kind, half), share in recall.items():
            print(f"{file}, {kind}, half {half}: {share:.2%} of {asked[kind, half]:,}")
    assert {key: recall[key] for key, bar in BARS[file].items() if recall[key] < bar} == {}
