"""Many small parts become few, and nothing changes but that."""

import random
import time
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests._store.spans import NOON, SECOND, Application, Attributes, generation, payload, span_id
from trackway._delivery.record import FLAG_PARTIAL, FLAG_UPDATE
from trackway._store import compact
from trackway._store.engines.duckdb import Engine
from trackway._store.local import LocalStore
from trackway._store.parts import Parts
from trackway._store.state import Part, State

DAY = 86_400_000_000
TODAY = NOON // 1_000


def part(name: str, rows: int, day: int = 0, size: int = 1_000, version: int = 1) -> Part:
    last = TODAY - day * DAY
    return Part(name, "observations", rows, size, last - 1, last, 0, version)


def names(groups: Sequence[Sequence[Part]]) -> list[list[str]]:
    return [[member.file for member in group] for group in groups]


def test_eight_parts_of_a_size_are_merged() -> None:
    """What a reader leaves that looks every second is merged as it grows, each row a few times only."""
    small = [part(str(n), 3) for n in range(8)]
    assert names(compact.groups(small[:7], TODAY)) == []
    assert names(compact.groups([*small, part("large", 5_000)], TODAY)) == [
        [str(n) for n in range(8)]
    ]


def test_a_day_that_is_over_is_put_together() -> None:
    """Parts of a past day are merged at once, unless a few late rows would have a large part written again."""
    assert names(compact.groups([part("a", 1, 3), part("b", 2, 3)], TODAY)) == [["a", "b"]]
    assert names(compact.groups([part("a", 1, 3), part("b", 5_000, 3)], TODAY)) == []
    assert names(compact.groups([part("a", 1, 3), part("b", 2, 4)], TODAY)) == []


def test_large_parts_and_parts_of_a_newer_version_are_left_alone() -> None:
    """What is dear to write, or not understood, is not written again."""
    assert (
        compact.groups([part(str(n), compact.LARGEST_ROWS + 1, 3) for n in range(9)], TODAY) == []
    )
    assert (
        compact.groups(
            [part(str(n), 3, 3, size=compact.LARGEST_BYTES + 1) for n in range(9)], TODAY
        )
        == []
    )
    assert compact.groups([part(str(n), 3, 3, version=99) for n in range(9)], TODAY) == []


@given(st.lists(st.tuples(st.integers(1, 300_000), st.integers(0, 4), st.integers(1, 80 << 20))))
def test_groups_are_disjoint_and_within_the_limits(sizes: list[tuple[int, int, int]]) -> None:
    """No part is in two groups, no group is of one, and no merged part is larger than the largest."""
    parts = [part(str(n), rows, day, size) for n, (rows, day, size) in enumerate(sizes)]
    groups = compact.groups(parts, TODAY)
    files = [member.file for group in groups for member in group]
    assert len(files) == len(set(files))
    for group in groups:
        assert len(group) > 1
        assert sum(member.rows for member in group) <= compact.LARGEST_ROWS
        assert sum(member.bytes for member in group) <= compact.LARGEST_BYTES


def registered(home: Path) -> list[Part]:
    return list(State(home / "store" / "state.sqlite").snapshot().parts)


def test_a_reader_that_looks_often_leaves_few_parts(home: Path) -> None:
    """After many ingests of a span each there are few files, the same rows, and no file that no one knows."""
    application = Application(home)
    with LocalStore(home) as store:
        for number in range(40):
            application.write(payload(number, generation(user="ana", cost=0.001), trace=number))
            store.ingest()
        assert len(registered(home)) < 16
        assert sorted(o.id for o in store.observations.list()) == [span_id(n) for n in range(40)]
        (user,) = store.users.list()
        assert user.cost_pico == 40 * 10**9
        store.ingest()
    assert {path.name for path in (home / "store" / "parts").iterdir()} == {
        p.file for p in registered(home)
    }
    application.close()


def test_handles_are_one_row_after_any_merging(home: Path) -> None:
    """Rows that are written again stay out of every answer, before, while and after parts are merged."""
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    application = Application(home)
    latest: dict[int, int] = {}
    with LocalStore(home) as store:
        for step in range(1, 61):
            number = chance.randrange(12)
            flags = FLAG_UPDATE if number in latest else FLAG_PARTIAL
            latest[number] = step
            attributes: Attributes = {"langfuse.observation.metadata.step": str(step)}
            application.write(
                payload(number, attributes, trace=number, start=NOON + step * SECOND), flags=flags
            )
            store.ingest()
            if step % 10 == 0:
                found = {int(o.id, 16): o.metadata["step"] for o in store.observations.list()}
                assert found == latest
                assert sum(user.observations for user in store.users.list()) == len(latest)
    application.close()


def test_scrubbing_removes_every_row_that_is_out_of_date(home: Path) -> None:
    """Afterwards no query has to look for older rows any more, and the answers are the same."""
    application = Application(home)
    with LocalStore(home) as store:
        for flags in (FLAG_PARTIAL, FLAG_PARTIAL | FLAG_UPDATE, FLAG_UPDATE):
            application.write(
                *(payload(n, {"own": flags}, trace=n, start=time.time_ns()) for n in range(5)),
                flags=flags,
            )
            store.ingest()
        state = State(home / "store" / "state.sqlite")
        assert len(state.snapshot().superseded) == 5
        engine = Engine(home / "spill")
        parts = Parts(home / "store" / "parts", state, engine)
        compact.Merging(parts, state, engine).scrub()
        engine.close()
        assert state.snapshot().superseded == ()
        assert sum(part.rows for part in state.snapshot().parts) == 5
        assert [o.attributes for o in store.observations.list()] == [{"own": FLAG_UPDATE}] * 5
    application.close()


def test_scores_are_merged_by_their_id(home: Path) -> None:
    """Merging keeps of each score what was given last."""
    application = Application(home)
    with LocalStore(home) as store:
        for number in range(10):
            attributes: Attributes = {
                "trackway.score.id": "same",
                "trackway.score.trace_id": f"{1:032x}",
                "gen_ai.evaluation.name": "success",
                "gen_ai.evaluation.score.value": float(number),
            }
            application.write(
                payload(900 + number, attributes, name="gen_ai.evaluation.result"), payload(number)
            )
            store.ingest()
        assert store.get_traces()[0].scores == {"success": 9.0}
        assert sum(part.rows for part in registered(home) if part.kind == "scores") < 10
    application.close()
