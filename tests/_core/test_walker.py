"""Budgets of bytes, nodes and levels are kept, and what is missing is marked where it is missing."""

import datetime as dt
import json

from hypothesis import given
from hypothesis import strategies as st

from tests._core.hostile import bomb, cyclic_data, cyclic_pair
from trackway._core.plain import MAX_NODES
from trackway._core.walker import MARK, Walker

DAY = dt.date(2024, 1, 1)


def walk(value: object, max_bytes: int = 1 << 20, *, names: bool = True) -> object:
    data = Walker(max_bytes, names=names).run(value)
    assert len(data) <= max_bytes
    decoded: object = json.loads(data)
    return decoded


def test_a_long_text_keeps_its_start_and_leaves_room_for_what_follows() -> None:
    """A text that does not fit takes half of what is left, says how much is cut, and its siblings are recorded."""
    value = walk({"a": "x" * 2_000_000, "b": "small", "c": [1, 2]})
    assert isinstance(value, dict)
    assert value["a"].startswith("x" * 500_000)
    assert value["a"].endswith("x<… 1.5 MB cut>")
    assert (value["b"], value["c"]) == ("small", [1, 2])


def test_a_long_list_says_how_many_items_are_cut() -> None:
    """The items of a list that do not fit are counted in its last place."""
    value = walk(["abcdefgh"] * 100, 200)
    assert value == ["abcdefgh"] * 7 + ["<… 93 items cut>"]


def test_a_large_dict_says_how_many_entries_are_cut() -> None:
    """The entries of a dict that do not fit are counted under the first of them, or under a name of their own."""
    value = walk({f"key {n}": DAY for n in range(100)}, 200)
    assert isinstance(value, dict)
    assert next(iter(value.items())) == ("key 0", "2024-01-01")
    assert list(value.values())[-1] == f"<… {100 - len(value) + 1} entries cut>"


def test_the_mark_of_cut_entries_takes_no_name_of_the_value() -> None:
    """A key that is called like the mark is kept beside it."""
    for room in range(120, 400):
        value = walk({"<…>": DAY, **{"k" * 60 + str(n): DAY for n in range(9)}}, room)
        assert isinstance(value, dict)
        assert any("entries cut" in str(item) for item in value.values())


def test_every_level_is_closed_where_the_budget_ends() -> None:
    """A nested value is cut at any budget so that every level marks what it lost and is closed."""
    value: object = [DAY] * 3
    for _ in range(10):
        value = {"before": [DAY], "down": value, "after": DAY}
    for room in range(MARK + 8, 1_500, 7):
        walk(value, room)


def test_nodes_are_counted() -> None:
    """At most 100,000 nodes are recorded; the rest is counted."""
    value = walk([DAY] * (MAX_NODES + 5_000), 1 << 24)
    assert isinstance(value, list)
    assert len(value) == MAX_NODES
    assert value[-1] == "<… 5001 items cut>"


def test_twenty_levels_are_recorded() -> None:
    """Containers of the 20th level are recorded, those below are marked; what is no container may be a level lower."""
    value: object = [DAY, [1]]
    for _ in range(19):
        value = [value]
    recorded = walk(value)
    for _ in range(19):
        assert isinstance(recorded, list)
        recorded = recorded[0]
    assert recorded == ["2024-01-01", "<deeper than 20 levels>"]


def test_cycles_end_where_they_begin() -> None:
    """A container that is inside itself is marked, also through a tuple, a dict or a dataclass."""
    assert walk(cyclic_pair()) == [["<cyclic>", {"again": "<cyclic>"}]]
    assert walk(cyclic_data()) == {"value": 1, "other": ["<cyclic>"]}


def test_a_shared_container_is_no_cycle() -> None:
    """What is in several places is recorded in each of them."""
    shared = {"day": DAY}
    assert walk([shared, shared, {"again": shared}]) == [
        {"day": "2024-01-01"},
        {"day": "2024-01-01"},
        {"again": {"day": "2024-01-01"}},
    ]


def test_a_shared_structure_costs_one_walk() -> None:
    """A structure that would be a million nodes if it were a tree is written from its few pieces, up to the budget."""
    value: object = [DAY]
    for _ in range(18):
        value = [value, value]
    walker = Walker(1 << 20, names=True)
    data = walker.run(value)
    json.loads(data)
    assert 1 << 19 < len(data) <= 1 << 20
    assert walker._nodes > MAX_NODES - 200


def test_a_shared_container_keeps_to_the_levels() -> None:
    """A container that was recorded near the top is not copied to where it would reach below the 20th level."""
    deep: object = [DAY]
    for _ in range(15):
        deep = [deep]
    below: object = deep
    for _ in range(10):
        below = [below]
    text = json.dumps(walk([deep, below]))
    assert "<deeper than 20 levels>" in text
    assert max(_depths(text)) == 20


def _depths(text: str) -> list[int]:
    depth, found = 0, []
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        found.append(depth)
    return found


def test_a_shared_structure_that_does_not_fit_says_its_size() -> None:
    """A repeated container that does not fit again is marked with its size, and what follows it is recorded."""
    big = [DAY] * 50
    assert walk([big, big, 1], 1_000) == [["2024-01-01"] * 50, "<… 651 B cut>", 1]


def test_bombs_of_any_size_stay_within_the_budget() -> None:
    """Shared structures of any width and height end within the budget."""
    for levels, wide in ((19, 2), (50, 3), (4, 5_000)):
        walk(bomb(levels, wide), 100_000)


def test_secrets_are_told_by_their_keys() -> None:
    """A mark stands for what is under the name of a secret, in odd values as in plain ones."""
    value = {"api_key": "abc", "day": DAY, "inner": [{"password": b"x", "max_tokens": 5}]}
    assert walk(value) == {
        "api_key": "[redacted: key 'api_key']",
        "day": "2024-01-01",
        "inner": [{"password": "[redacted: key 'password']", "max_tokens": 5}],
    }
    kept = walk(value, names=False)
    assert isinstance(kept, dict)
    assert kept["api_key"] == "abc"


@given(
    st.dictionaries(
        st.text() | st.integers() | st.none() | st.floats() | st.tuples(st.text()), st.integers()
    )
)
def test_no_entry_is_lost_to_another(value: dict[object, int]) -> None:
    """Keys that read alike get numbers, so that as many entries are recorded as there were."""
    recorded = walk(value, names=False)
    assert isinstance(recorded, dict)
    assert len(recorded) == len(value)
