"""What is looked at afterwards: every span, the name of its parent, and its user."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.frameworks.application import ANSWER
from tests.spans import spans

Told = tuple[str, str | None, object]
"""Name, name of the parent, user."""


def told(home: Path) -> Counter[Told]:
    """Every span that was kept; the parent has to be there, in the same trace and for the same user."""
    found = {span.span_id: span for span in spans(home)}
    counted = Counter[Told]()
    for span in found.values():
        parent = found[span.parent_span_id] if span.parent_span_id else None
        user = span.attributes.get("user.id")
        if parent is not None:
            assert (parent.trace_id, parent.attributes.get("user.id")) == (span.trace_id, user)
        counted[span.name, parent.name if parent else None, user] += 1
    return counted


def answers(users: Iterable[str]) -> Counter[Told]:
    """What one request of each user makes."""
    counted = Counter[Told]()
    for user in users:
        counted["request", None, user] += 1
        counted.update((name, parent, user) for name, parent in ANSWER)
    return counted
