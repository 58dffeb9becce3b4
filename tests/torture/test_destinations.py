"""Applications with different destinations and several drainers on one spool, some of them killed."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from tests import backend as b
from tests._delivery.sending import delivery_to, fill, span_id
from tests.backend import Backend
from tests.torture.children import DRAINER, TRACER, await_ready, start
from trackway._delivery.chain import is_live
from trackway._delivery.reader import ChainReader

EACH = 600


def test_no_span_at_the_wrong_destination(
    home: Path, count: Callable[[int, int], int], chance: random.Random
) -> None:
    """Of two applications on one spool, each backend gets its own spans and all of them, though drainers are killed."""
    rounds = count(2, 40)
    with Backend() as one, Backend() as other:
        expected: dict[Backend, set[str]] = {one: set(), other: set()}
        for number in range(2 * rounds):
            backend = (one, other)[number % 2]
            # Nobody listens while the application runs, so all of it is left to the drainers.
            backend.refusing = True
            expected[backend] |= ended_and_killed(backend, home, number * EACH)
        for backend in (one, other):
            backend.refusing = False
        drain_together(one, other, home, chance)
        for backend in (one, other):
            assert set(backend.spans) == expected[backend]
            # A drainer that was killed may have sent one batch whose answer it did not write down.
            assert max(backend.spans.values()) <= 2


def ended_and_killed(backend: Backend, home: Path, first: int) -> set[str]:
    """The spans that ended in a process that was killed afterwards."""
    child = start(TRACER, backend.url, str(home), str(first), str(EACH))
    await_ready(child)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == first + EACH - 1:
            break
    child.kill()
    child.communicate()
    return {span_id(number) for number in range(first, first + EACH)}


def drain_together(one: Backend, other: Backend, home: Path, chance: random.Random) -> None:
    """Eight drainers at once, four of them killed in the middle; then one more for each destination."""
    drainers = [drainer((one, other)[number % 2], home) for number in range(8)]
    alarms = [threading.Timer(chance.uniform(0.1, 0.6), child.kill) for child in drainers[:4]]
    for alarm in alarms:
        alarm.start()
    for child in drainers:
        child.communicate(timeout=60)
    for alarm in alarms:
        alarm.join()
    for backend in (one, other):
        output, _ = drainer(backend, home).communicate(timeout=60)
        assert "0 stay" in output


def drainer(backend: Backend, home: Path) -> Popen[str]:
    return start(
        DRAINER,
        "30",
        TRACKWAY_ENDPOINT=backend.url,
        TRACKWAY_PROJECT="tests",
        TRACKWAY_DIR=str(home),
    )


def test_a_living_process_keeps_its_segments(home: Path) -> None:
    """Drainers and readers, in the owner's process too, neither take a living chain nor free its lock."""
    with Backend(b.status(401)) as backend:
        delivery = delivery_to(backend, home, local=False)
        (spool,) = delivery.sinks
        fill(spool, range(100))
        chain = spool.live_chain()
        assert chain is not None
        with ChainReader(chain) as reader:
            assert len(reader.read()) == 100
        assert is_live(chain)
        drainers = [drainer(backend, home) for _ in range(3)]
        for child in drainers:
            child.communicate(timeout=60)
        assert is_live(chain)
        fill(spool, range(100, 200))
        backend.play([b.ok()])
        with ChainReader(chain) as reader:
            assert len(reader.read()) == 200
        assert delivery.exporter is not None
        delivery.exporter.policy.ready_at = 0.0
        assert delivery.flush(10)
        assert set(backend.spans) == {span_id(number) for number in range(200)}
        assert set(backend.spans.values()) == {1}
        assert delivery.shutdown(5)
