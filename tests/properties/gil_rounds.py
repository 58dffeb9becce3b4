"""A process of its own that tells how often a piece of code gives up the GIL: `gil_rounds.py WORK ROUNDS`.

With a switch interval of ten seconds no thread loses the GIL unless it gives it up. In every round a second thread is
woken, and runs as soon as it gets the GIL: either when the round is over, or before, which is a release. It then spins
for a while, as a busy application would, and the release is a stall. (A release of a microsecond is caught by it every
second or third time, less often on a busy machine; the controls tell that what each request does is found out.)

Between the rounds the second thread rests, and what the worker would do ahead is done.
"""

import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress

from trackway import get_client, observe, propagate_attributes
from trackway._core.usage import Usage
from trackway._prices.pricer import Pricer

PER_ROUND = 250
# Long enough for a thread that was woken to stand at the GIL's door.
WAKING_S = 0.005
SPIN_S = 0.05


class Spinner:
    """The second thread."""

    def __init__(self) -> None:
        self.releases = 0
        self._over = True
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._spin, daemon=True).start()

    @contextmanager
    def round(self) -> Iterator[None]:
        self._over = False
        self._go.release()
        spin(WAKING_S)
        yield
        self._over = True
        self._back.acquire()

    def _spin(self) -> None:
        while True:
            self._go.acquire()
            if not self._over:
                self.releases += 1
                spin(SPIN_S)
            self._back.release()


def spin(seconds: float) -> None:
    """Keeps the GIL for so long."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


# -- what is observed --------------------------------------------------------------------------------------------------

DOCUMENTS = [{"text": "word " * 60, "score": 0.5, "rank": rank} for rank in range(5)]


@observe(as_type="retriever")
def retrieve(query: str) -> list[dict[str, object]]:
    return [*DOCUMENTS]


@observe(as_type="generation")
def generate(prompt: str, documents: object, *, temperature: float = 0.5) -> str:
    get_client().update_current_generation(
        model="gpt-4o",
        model_parameters={"temperature": temperature},
        provider="openai",
        usage_details={"input": 120, "output": 30},
        metadata={"attempt": 1},
    )
    return "the answer, " * 20


@observe(as_type="chain")
async def chain(question: str) -> str:
    return generate(question, retrieve(question))


@observe
def tokens(number: int) -> Generator[str, None, None]:
    for index in range(number):
        yield f"token {index}"


@observe
def fail(number: int) -> None:
    raise ValueError(number)


def observations() -> None:
    """One request of eight observations, of which one fails, and a score."""
    with propagate_attributes(user_id="alice", session_id="s", tags=["t"], metadata={"k": "v"}):
        client = get_client()
        with client.start_as_current_observation(name="request", as_type="agent", input="hi") as o:
            try:
                chain("What is six times seven?").send(None)
            except StopIteration as stop:
                o.update(output=stop.value, level="WARNING")
            o.create_event(name="found", input={"numbers": [1, 2.5, None, True]})
            client.score_current_trace(name="quality", value=0.9)
            list(tokens(5))
            with suppress(ValueError):
                fail(7)


def nothing(_: int) -> None: ...


def write_a_file(number: int) -> None:
    if number % 7 == 0:
        os.write(DEVNULL, b"x")


def check_eight_kilobytes(number: int) -> None:
    if number % 7 == 0:
        zlib.crc32(EIGHT_KILOBYTES)


def observe_something(number: int) -> None:
    if number % 7 == 0:
        observations()


DEVNULL = os.open(os.devnull, os.O_WRONLY)
EIGHT_KILOBYTES = bytes(8 << 10)
WORK: dict[str, Callable[[int], None]] = {
    "nothing": nothing,
    "observations": observe_something,
    "write": write_a_file,
    "crc32": check_eight_kilobytes,
}


def main(work: Callable[[int], None], rounds: int) -> None:
    client = get_client()
    delivery, pricer = client._core.delivery, client._core.provider.prices
    assert delivery is not None
    # What the delivering thread does: from then on the rate is multiplied where the call ends.
    assert isinstance(pricer, Pricer)
    assert pricer.book.price("openai", "gpt-4o", Usage(buckets={}), time.time_ns()) is not None
    for _ in range(100):  # opens the chain, fills the caches
        observations()
    spinner = Spinner()
    for _ in range(rounds):
        for spool in delivery.sinks:
            spool.prepare()
        with spinner.round():
            for number in range(PER_ROUND):
                work(number)
    print(spinner.releases, flush=True)


if __name__ == "__main__":
    sys.setswitchinterval(10)
    main(WORK[sys.argv[1]], int(sys.argv[2]))
