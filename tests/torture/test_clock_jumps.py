"""The clock of the wall is set a day ahead and a day back, again and again; only monotonic time counts."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tests import backend as b
from tests._delivery.sending import Sending, fill, spool_at
from tests.backend import Backend, Behaviour
from tests.spans import spans
from trackway import Trackway

DAY = 86_400
JUMPS = (-DAY, DAY)


@pytest.mark.parametrize(
    ("mood", "times"),
    [
        (b.status(500), [0, 1, 3, 7, 15, 31, 63, 123, 183]),
        (b.hang_up, [0, 1, 3, 7, 15, 31, 63, 123, 183]),
        (b.status(503, Retry_After="40"), [0, 40, 80, 120, 160, 200]),
        (b.status(401), [0, 60, 120, 180]),
    ],
    ids=["500", "hang-up", "retry-after", "401"],
)
@pytest.mark.parametrize("first", JUMPS)
def test_retries_keep_their_times(
    home: Path, mood: Behaviour, times: list[float], first: int
) -> None:
    """With a jump before every request, each is sent when it would have been, and no span is too old."""
    posts = len(times)
    with Backend(*[mood] * (posts - 1), b.ok()) as backend:
        spool = spool_at(home)
        sending = Sending(backend.url, home, spool, retry_for=3_600.0)
        fill(spool, range(4))
        for post in range(posts):
            sending.time.wall_ns += first * (1, -2, 1)[post % 3] * 10**9
            assert sending.run(posts=post + 1) == times[: post + 1]
        assert (sending.stats().acked, sending.stats().dropped) == (4, {})
        sending.close()
        spool.close()


def test_a_client_lives_through_jumps(
    home: Path, count: Callable[[int, int], int], chance: random.Random
) -> None:
    """Whatever the wall shows, observations last as long as they did, and flush and shutdown wait no longer."""
    rounds = count(60, 3_000)
    lasted: dict[str, int] = {}
    now = datetime.now().astimezone()
    moods = [b.status(500), b.hang_up, b.status(503, Retry_After="0"), b.ok()]
    # Away at first, so that there is something to grow old.
    with Backend(*moods, listening=False) as backend:
        client = Trackway(endpoint=backend.url, local=True, retry_for="1h")
        for number in range(rounds):
            with time_machine.travel(now + timedelta(seconds=chance.choice((0, *JUMPS)))) as wall:
                # Large enough that segments begin, and are dated, at all the times that the wall shows.
                with client.start_as_current_observation(
                    name=f"outer {number}", input="x" * 10_000
                ):
                    before = time.perf_counter_ns()
                    wall.shift(chance.choice(JUMPS))
                    with client.start_as_current_observation(name=f"inner {number}"):
                        wall.shift(chance.choice(JUMPS))
                    client.create_event(name=f"event {number}")
                    lasted[f"outer {number}"] = time.perf_counter_ns() - before
        backend.listen()
        began = time.monotonic()
        with time_machine.travel(now + timedelta(days=1)) as wall:
            assert client.flush(20.0)
            wall.shift(-2 * DAY)
            assert client.shutdown(20.0)
        assert time.monotonic() - began < 20.0
        assert all(found.dropped == {} for found in client.stats().destinations)
    assert sum(backend.spans.values()) == len(backend.spans) == 3 * rounds
    found = {span.name: span for span in spans(home)}
    assert len(found) == 3 * rounds
    starts = [span.start for span in found.values()]
    assert max(starts) - min(starts) > DAY * 10**9, "the jumps were not seen"
    for name, span in found.items():
        assert 0 <= span.end - span.start < 10**9, name
        assert span.end - span.start >= lasted.get(name, 0), name
