"""A power cut in any moment, whatever the disk had written back by then: what was synced is delivered.

The real spool and the real exporter run, one line at a time; after every line that changed a file, states that the disk
may be in are built in another folder, and a process that finds them delivers what is there.
"""

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import trackway._delivery
from tests._delivery.sending import DESTINATION, RESOURCE, SCOPE, Time, span, span_id
from tests.torture.power import Disk
from trackway._delivery import platform
from trackway._delivery.complaints import Blame
from trackway._delivery.exporter import Exporter
from trackway._delivery.policy import Outcome
from trackway._delivery.spool import Spool, Sync

if TYPE_CHECKING:
    from _typeshed import TraceFunction

WATCHED = str(Path(trackway._delivery.__file__).parent)


class Accepting:
    """A backend that takes everything, and knows what it took."""

    def __init__(self) -> None:
        self.taken: Counter[bytes] = Counter()

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:
        for resource in ExportTraceServiceRequest.FromString(b"".join(body)).resource_spans:
            for scope in resource.scope_spans:
                self.taken.update(found.SerializeToString() for found in scope.spans)
        return Outcome(status=200)

    def close(self) -> None:
        """There is no connection."""


def exporter(root: Path, backend: Accepting, time: Time, spool: Spool | None = None) -> Exporter:
    return Exporter(
        root,
        DESTINATION,
        lambda: backend,
        spool=spool,
        blame=Blame("TRACKWAY_ENDPOINT", "TRACKWAY_HEADERS"),
        clock=time,
        wall_ns=time.wall,
    )


class Cuts:
    """Cuts the power after every line of the spool that changes a file."""

    def __init__(self, home: Path, piece: int, states: int, chance: random.Random) -> None:
        self.disk = Disk(home, piece)
        self.aside = home.parent / "after"
        self.states, self.chance = states, chance
        self.written: dict[bytes, str] = {}
        """Every span that was appended or is being appended, by its bytes."""
        self.synced = set[str]()
        self.before = Accepting()
        """The backend, as long as there is power."""
        self.moments = self.seen = 0

    def append(self, spool: Spool, scope: int, number: int, size: int) -> None:
        payload = span(number, size)
        (found,) = _spans(payload)
        self.written[found] = span_id(number)
        spool.append(payload, scope)

    def all_synced(self) -> None:
        self.synced = set(self.written.values())

    def trace(self, frame: FrameType, event: str, arg: object) -> "TraceFunction | None":
        """For `sys.settrace`."""
        if not frame.f_code.co_filename.startswith(WATCHED):
            return None
        if event in {"line", "return"} and self.disk.look():
            self.cut()
        return self.trace

    def cut(self) -> None:
        """Checks what a process finds when the power is back."""
        self.moments += 1
        delivered = {self.written[found] for found in self.before.taken}
        for state in self.disk.states(self.states, self.chance):
            self.seen += 1
            shutil.rmtree(self.aside, ignore_errors=True)
            self.aside.mkdir()
            state.build(self.aside)
            after = Accepting()
            finder = exporter(self.aside / "trackway" / "spool", after, Time())
            while finder.step() is not None:
                pass
            finder.close()
            assert set(after.taken) <= set(self.written), "a span that nobody wrote"
            assert set(after.taken.values()) <= {1}, "twice from one state"
            found = {self.written[each] for each in after.taken}
            assert self.synced <= delivered | found, f"lost in moment {self.moments}"


def _spans(payload: bytes) -> list[bytes]:
    """The span of a record, in the bytes in which a backend sees it."""
    from trackway._wire import encode

    request = ExportTraceServiceRequest.FromString(encode.request([(RESOURCE, SCOPE, [payload])]))
    return [
        found.SerializeToString()
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for found in scope.spans
    ]


@contextmanager
def watched(cuts: Cuts, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cuts the power after every line of the spool that this thread runs, and knows what was synced."""
    sync_data, sync_directory = platform.sync_data, platform.sync_directory

    def data(descriptor: int) -> None:
        sync_data(descriptor)
        cuts.disk.data_synced(descriptor)

    def names(path: Path) -> None:
        sync_directory(path)
        cuts.disk.names_synced(path)

    before = sys.gettrace()
    with monkeypatch.context() as patched:
        patched.setattr(platform, "sync_data", data)
        patched.setattr(platform, "sync_directory", names)
        sys.settrace(cuts.trace)
        try:
            yield
        finally:
            sys.settrace(before)
            cuts.disk.close()


@pytest.mark.parametrize("piece", [4096, 512], ids=["pages", "sectors"])
@pytest.mark.parametrize("sync", [0.5, "always"])
@pytest.mark.parametrize("kind", ["mmap", "file"])
def test_what_was_synced_survives(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: Callable[[int, int], int],
    chance: random.Random,
    kind: str,
    sync: Sync,
    piece: int,
) -> None:
    """In every state that a power cut may leave, all that was synced is there or delivered, and nothing is invented."""
    home = tmp_path / "power"
    home.mkdir()
    cuts = Cuts(home, piece, count(3, 16), chance)
    monkeypatch.setattr(
        platform, "capabilities", replace(platform.capabilities, map=kind == "mmap")
    )
    time = Time()
    spool = Spool(home / "trackway" / "spool", DESTINATION, sync=sync)
    sender = exporter(spool.root, cuts.before, time, spool)
    scope = spool.register_scope(RESOURCE, SCOPE)
    with watched(cuts, monkeypatch):
        for number in range(count(24, 300)):
            cuts.append(spool, scope, number, chance.choice((100, 3_000, 12_000)))
            if sync == "always":
                cuts.all_synced()
            if chance.random() < 0.2:
                spool.prepare()
            if chance.random() < 0.15:
                spool.sync()
                cuts.all_synced()
            if chance.random() < 0.08:
                time.now += 1.0
                sender.step()
        spool.close()
        sender.retire()
    sender.close()
    print(f"{cuts.seen} states in {cuts.moments} moments")
    assert cuts.moments > 30
