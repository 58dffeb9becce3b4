"""Whether every observation carries the right user: `python right_user.py LIBRARY sync|async plain|all OBSERVATIONS`.

The random programs of `tests/properties`, run by trackway or langfuse, each in an environment of its own, and judged by
the same model. *plain*: blocks of `propagate_attributes` in a `with`, `@observe` on functions, coroutines, generators
and async generators, direct observations; threads with a copied context and without, pools, tasks, cancellations,
generators that are consumed elsewhere, closed or dropped. *all*: also functions that return coroutines, functions and
generators that `propagate_attributes` decorates, and generators that are made in one place and begun in another. What
only trackway has (`set_user`), and what raises in the other (`send` and `throw` of a decorated generator, a block that
is entered twice), is left out of both. Users are valid strings or None.

An observation is right when it carries the user of the innermost block around its start, or that of a block that was
opened while it was the current one: the two libraries differ in which of these wins. Prints one JSON line.
"""

import gc
import importlib
import json
import logging
import os
import sys
import tempfile
import threading
import types
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZE = 400


class Library:
    """What a program needs of a library beside its names."""

    def start_as_current_span(self, name):
        """As a tracer would."""
        return self.client.start_as_current_observation(name=name)


class Trackway(Library):
    """This library; what it recorded is read from its spool."""

    def __init__(self):
        home = Path(tempfile.mkdtemp(prefix="trackway-bench-"))
        os.environ.update(TRACKWAY_DIR=str(home), TRACKWAY_ENDPOINT="none")
        import trackway

        self.client = trackway.get_client()
        from tests.spans import Tail

        self.tail = Tail(home)

    def users(self):
        """The user of each observation that was recorded since the last call, by name."""
        return {span.name: span.attributes.get("user.id") for span in self.tail.read()}


class Langfuse(Library):
    """Langfuse's SDK under the names that the programs import, with an exporter that only keeps."""

    def __init__(self):
        import langfuse
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        for name in ("langfuse", "opentelemetry"):
            logging.getLogger(name).disabled = True
        logging.disable(logging.ERROR)
        self.exporter = InMemorySpanExporter()
        self.client = langfuse.Langfuse(
            public_key="pk", secret_key="sk", span_exporter=self.exporter, flush_at=1_000
        )
        self.client._provider = types.SimpleNamespace(get_tracer=lambda _: self)
        names = {"observe": langfuse.observe, "propagate_attributes": langfuse.propagate_attributes}
        stand_in("trackway", Trackway=object, set_user=None, **names)
        stand_in("trackway.types", ObservationKind=str)
        stand_in("trackway._core", signatures=None)
        stand_in("trackway._core.signatures", Function=object)

    def users(self):
        self.client.flush()
        spans = self.exporter.get_finished_spans()
        self.exporter.clear()
        return {span.name: span.attributes.get("user.id") for span in spans}


def stand_in(name, **names):
    """A module of these names."""
    module = types.ModuleType(name)
    vars(module).update(names)
    sys.modules[name] = module


class Patient:
    """The lock of a program, which gives up: a body that a library never ran has not released it."""

    def __init__(self):
        self._lock, self._patience = threading.RLock(), 2.0

    def acquire(self):
        if not self._lock.acquire(timeout=self._patience):
            self._patience = 0.0

    def release(self):
        with suppress(RuntimeError):
            self._lock.release()

    def __enter__(self):
        self.acquire()

    def __exit__(self, *_):
        self.release()


def common(base, propagate):
    """*base* with what both libraries have."""

    class Common(base):
        def __init__(self, *args):
            super().__init__(*args)
            self.lock = Patient()

        # Each block is entered once.
        shared = property(
            lambda _: [(propagate(user_id=n), n) for n in ("shared-1", "shared-2")],
            lambda _, __: None,
        )

        @staticmethod
        def user(random):
            if random.randrange(10) == 0:
                return None, None
            name = f"{random.choice(('alice', 'bob', '用户', '🦉'))}-{random.randrange(1000)}"
            return name, name

        def set_user(self, random, cell, _=0):
            self.leaf(random, cell)

        @asynccontextmanager
        async def ablock(self, random, cell):
            with self.block(random, cell):
                yield

        @asynccontextmanager
        async def aobserved(self, random, cell):
            with self.observed(random, cell):
                yield

    return Common


class Begun(list):
    """Generators that others go on with: not those that are still to begin."""

    def append(self, running):
        if running._begun:
            super().append(running)


def plain(base):
    """*base* without what is rare."""

    class Plain(base):
        def __init__(self, *args):
            super().__init__(*args)
            self.pending, self.begun = Begun(), Begun()

        waiting = property(lambda self: self.begun, lambda _, __: None)

        def decorated(self, random, cell, depth):
            self.in_block(random, cell, depth)

        async def adecorated(self, random, cell, depth):
            await self.in_ablock(random, cell, depth)

        async def coroutine(self, random, cell, depth):
            await self.acall(random, cell, depth)

    return Plain


def only_observed(self, program, random):
    """Of the decorators of a generator, `@observe` alone."""
    random.choice("1234")
    self._program, self.layers = program, [program.expect()]


def programs_of(mode, extent):
    """The class of the programs."""
    programs = importlib.import_module("tests.properties.programs")
    async_programs = importlib.import_module("tests.properties.async_programs")
    generators = importlib.import_module("tests.properties.generators")
    for steps in (generators._STEPS, async_programs._STEPS):
        steps["send"], steps["throw"] = steps["next"], steps["close"]
    base = async_programs.AsyncProgram if mode == "async" else programs.Program
    made = common(base, programs.propagate_attributes)
    if extent == "all":
        return made
    generators.Layers.__init__ = only_observed
    return plain(made)


def measure(name, mode, extent, total):
    """Runs programs until they have made *total* observations."""
    sys.path.insert(0, str(ROOT))
    library = {"trackway": Trackway, "langfuse": Langfuse}[name]()
    made = programs_of(mode, extent)
    counts = dict.fromkeys(("observations", "lost", "missing", "wrong", "failed"), 0)
    seed = 0
    while counts["observations"] < total:
        count(made(seed, library.client, SIZE), library, counts)
        seed += 1
    return {"library": name, "programs": mode, "extent": extent, **counts}


def count(program, library, counts):
    """Runs one program, and adds what came of it."""
    try:
        program.run()
    except Exception:  # noqa: BLE001 - what a library raises into a program is counted
        counts["failed"] += 1
    gc.collect()
    found = library.users()
    for expected in program.expected:
        if not expected.begun:
            continue
        counts["observations"] += 1
        allowed = {expected.user} | expected.offered
        if expected.name not in found:
            counts["lost"] += 1
        elif found[expected.name] not in allowed:
            counts["missing" if found[expected.name] is None else "wrong"] += 1


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:4], int(sys.argv[4]))))
