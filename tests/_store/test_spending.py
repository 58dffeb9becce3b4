"""What was spent: groups and total agree with a plain count, and what has no price is never free."""

import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from tests._store.spans import NOON, SECOND, generation, payload, store_of
from trackway._store.local import LocalStore
from trackway._store.spending import GROUPS, ORDERS, Spending
from trackway._wire.encode import AttributeValue
from trackway.errors import FilterError

HOUR = 3_600 * SECOND
# The start of trace 20.
SINCE = {"date_range": {"gte": "2026-01-16T08:00:00Z"}}


class Call(NamedTuple):
    """A generation as the test knows it."""

    trace: int
    model: str | None
    user: str | None
    tags: tuple[str, ...]
    tokens: int
    pico: int | None


def written(home: Path, chance: random.Random) -> list[Call]:
    """Traces whose root has a user and tags or has not; calls inside with their own, or without."""
    calls: list[Call] = []
    spans: list[bytes] = []
    for trace in range(1, 41):
        user = chance.choice([None, "ann", "bob"])
        tags = chance.choice([(), ("web",), ("web", "pro")])
        start, root = NOON + trace * HOUR, trace * 100
        spans.append(payload(root, attributes(user, tags), trace=trace, start=start))
        for number in range(chance.randrange(4)):
            own, marked = chance.choice([None, "eve"]), chance.choice([(), ("batch",)])
            model, tokens = chance.choice([None, "m-1", "m-2"]), chance.randrange(1_000)
            pico = chance.choice([None, 0, chance.randrange(10**9)])
            given = {
                **generation(tokens=(tokens, 0), cost=None if pico is None else f"{pico}e-12"),
                **attributes(own, marked),
            }
            given["gen_ai.request.model"] = model or ""
            spans.append(payload(root + 1 + number, given, trace=trace, parent=root, start=start))
            # A user that only a call has is the trace's, where it is the only one.
            calls.append(Call(trace, model, own, marked, tokens, pico))
        users = {user, *(call.user for call in calls if call.trace == trace)} - {None}
        whose = user or (users.pop() if len(users) == 1 else None)
        every = {*tags, *(tag for call in calls if call.trace == trace for tag in call.tags)}
        calls = [
            call._replace(user=call.user or whose, tags=call.tags or tuple(sorted(every)))
            if call.trace == trace
            else call
            for call in calls
        ]
    store_of(home, *spans).close()
    return calls


def attributes(user: str | None, tags: tuple[str, ...]) -> dict[str, AttributeValue]:
    """What is propagated."""
    given: dict[str, AttributeValue] = {} if user is None else {"user.id": user}
    return {**given, "langfuse.trace.tags": list(tags)} if tags else given


def groups_of(call: Call, group: str) -> tuple[str | None, ...]:
    """Where a call counts."""
    return {"model": (call.model,), "user": (call.user,), "tag": call.tags or (None,)}[group]


Sums = tuple[int, int, int | None, int]


def sums(calls: list[Call]) -> Sums:
    """Calls, tokens, cost, unpriced."""
    priced = [call.pico for call in calls if call.pico is not None]
    unpriced = len(calls) - len(priced)
    cost = None if unpriced and not priced else sum(priced)
    return len(calls), sum(call.tokens for call in calls), cost, unpriced


def told(each: Spending) -> Sums:
    """The same, as the store has it."""
    assert each.cost_complete == (each.unpriced == 0)
    assert each.input_tokens + each.output_tokens == each.total_tokens
    return each.calls, each.total_tokens, each.cost_pico, each.unpriced


@pytest.mark.parametrize("group", GROUPS)
def test_groups_and_total_are_what_a_plain_count_says(
    home: Path, chance: random.Random, group: str
) -> None:
    """By every order, with and without filters, None among the groups, and the limit cuts the smallest."""
    calls = written(home, chance)
    with LocalStore(home) as store:
        for by in ORDERS:
            for filters, wanted in ((None, calls), (SINCE, [c for c in calls if c.trace >= 20])):
                expected: dict[str | None, list[Call]] = defaultdict(list)
                for call in wanted:
                    for key in groups_of(call, group):
                        expected[key].append(call)
                top = store.observations.top(by=by, group=group, filters=filters)
                assert {each.group: told(each) for each in top.groups} == {
                    key: sums(inside) for key, inside in expected.items()
                }
                assert told(top.total) == sums(wanted)
                assert (top.group_count, top.has_more) == (len(expected), False)
                order = [
                    each.cost_pico if by == "cost" else each.total_tokens for each in top.groups
                ]
                known = [value for value in order if value is not None]
                assert order == [
                    *sorted(known, reverse=True),
                    *([None] * (len(order) - len(known))),
                ]
                first = store.observations.top(by=by, group=group, limit=1, filters=filters)
                assert (first.groups, first.total) == (top.groups[:1], top.total)
                assert first.has_more == (len(expected) > 1)


def test_what_has_no_price_is_never_free(home: Path) -> None:
    """A group of unpriced calls has no cost at all; a plain span is no call; a cost without a call counts."""
    spans = [
        payload(1, generation(user="ann", tokens=(5, 1)), trace=1),
        payload(2, generation(user="bob", tokens=(5, 1), cost="0.1"), trace=2),
        payload(3, generation(user="bob", tokens=(5, 1)), trace=3),
        payload(4, {"user.id": "cat"}, trace=4),
        payload(
            5, {"user.id": "dan", "langfuse.observation.cost_details": '{"total": 0.2}'}, trace=5
        ),
    ]
    with store_of(home, *spans) as store:
        top = store.observations.top(group="user")
        found = {
            each.group: (each.total_cost_exact, each.unpriced, each.calls) for each in top.groups
        }
    assert found == {
        "dan": (Decimal("0.2"), 0, 0),
        "bob": (Decimal("0.1"), 1, 2),
        "ann": (None, 1, 1),
    }
    assert [each.group for each in top.groups] == ["dan", "bob", "ann"]
    assert top.groups[2].total_cost is None
    assert (top.total.total_cost_exact, top.total.unpriced) == (Decimal("0.3"), 2)
    assert not top.total.cost_complete


def test_an_empty_store_spent_nothing(home: Path) -> None:
    """No groups, and a total of zero."""
    with LocalStore(home) as store:
        top = store.observations.top()
    assert (top.groups, top.group_count, top.total.cost_pico, top.total.calls) == ((), 0, 0, 0)


def test_of_one_project(home: Path) -> None:
    """Another project's calls are not in its groups, nor in its total."""
    store_of(home, payload(1, generation(cost=1), trace=1)).close()
    with LocalStore(home, project="other") as store:
        assert store.observations.top(group="tag").total.calls == 0
    with LocalStore(home, project="shop") as store:
        assert store.observations.top(group="tag").total.calls == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"by": "price"}, "by"), ({"group": "session"}, "group"), ({"limit": 0}, "limit"), ({"filters": {"x": 1}}, "x")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_asked(home: Path, arguments: dict[str, object], field: str) -> None:
    """The error names the argument, and what is allowed."""
    with LocalStore(home) as store, pytest.raises(FilterError) as raised:
        store.observations.top(**arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.field == field
