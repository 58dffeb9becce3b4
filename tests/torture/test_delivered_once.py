"""SIGKILL at random instants, before backends in bad moods: nothing that had ended is lost, and little arrives twice.

The child prints the number of a span after `append` has returned, so what it printed had ended. A span may arrive
twice only in a batch whose answer the sender cannot have written down: none was given, or the sender was killed.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests import backend as b
from tests._delivery.sending import delivery_to, span_id
from tests.backend import Backend, Behaviour
from tests.torture.children import TRACER, await_ready, start

MOODS: list[list[Behaviour]] = [
    [b.ok()],
    [b.status(500)],
    [b.hang_up],
    [b.reset],
    [b.never],
    [b.status(503, Retry_After="1"), b.ok()],
    [b.accept_and_hang_up, b.ok()],
    [b.status(401)],
]
SPANS = 4_000


def killed(backend: Backend, home: Path, first: int, after: float) -> set[int]:
    """The numbers of the spans that ended in a process that was killed *after* that many seconds."""
    child = start(TRACER, backend.url, str(home), str(first), str(SPANS))
    await_ready(child)
    alarm = threading.Timer(after, child.kill)
    alarm.start()
    output, _ = child.communicate(timeout=60)
    alarm.join()
    # The last line may be half of one.
    return {int(line) for line in output.split("\n")[:-1]}


def test_nothing_is_lost(
    home: Path, count: Callable[[int, int], int], chance: random.Random
) -> None:
    """Every span that ended in a process that was killed arrives, and twice only where no answer was seen."""
    ended: set[int] = set()
    with Backend() as backend:
        for round_ in range(count(20, 200)):
            backend.play(chance.choice(MOODS))
            ended |= killed(backend, home, round_ * SPANS, chance.uniform(0.0, 0.7))
        backend.play([b.ok()])
        delivery = delivery_to(backend, home, local=False)
        assert delivery.exporter is not None
        while delivery.exporter.step() is not None:
            pass
        stats = delivery.stats().destinations[0]
        delivery.shutdown(5)
    print(
        f"{len(ended)} ended, {len(backend.requests)} requests, {sum(backend.spans.values())} arrivals"
    )
    assert len(ended) > 1_000
    assert {span_id(number) for number in ended} - set(backend.spans) == set()
    assert stats.in_spool == 0
    assert stats.ended == stats.accounted >= len(ended)
    assert unexplained(backend) == set()


def unexplained(backend: Backend) -> set[str]:
    """Spans that arrived twice though the sender had seen the first answer.

    Not seen is an answer that was never given, and the last one to a process, which was killed before it wrote it down.
    """
    last = {r.headers["process"]: r for r, _ in backend.accepted if "process" in r.headers}
    seen: Counter[str] = Counter()
    for request, answered in backend.accepted:
        if answered and last.get(request.headers.get("process", "")) is not request:
            seen.update(request.span_ids)
    return {found for found, times in seen.items() if times > 1}
