"""The answers about users and sessions: sums of what is theirs."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._store.spans import (
    NOON,
    SECOND,
    Application,
    generation,
    payload,
    store_of,
)
from trackway._store.local import LocalStore
from trackway._store.models import UserSummary


def test_sessions_sum_up_their_traces(home: Path) -> None:
    """A session has the users, times and sums of its traces; what has no session is in none."""
    with store_of(
        home,
        payload(1, generation(user="ana", cost=0.5, session__id="s"), trace=1),
        payload(
            2,
            generation(user="bob", cost=0.25, session__id="s"),
            trace=2,
            start=NOON + SECOND,
            error="no",
        ),
        payload(3, trace=3),
    ) as store:
        (session,) = store.sessions.list()
        assert (session.session_id, session.user_ids, session.traces, session.errors) == (
            "s",
            ["ana", "bob"],
            2,
            1,
        )
        assert session.total_cost_exact == Decimal("0.75")
        assert (session.last_seen - session.first_seen).total_seconds() == 2.0


def test_one_users_page(home: Path) -> None:
    """A user's page has the summary, the models by cost, and days of the asked time zone."""
    late = NOON + 11 * 3600 * SECOND  # 23:00 UTC: the next day in Tokyo
    with store_of(
        home,
        payload(1, generation(user="ana", tokens=(5, 5), cost=0.5), trace=1, seconds=1),
        payload(
            2,
            generation(user="ana", cost=2, gen_ai__request__model="big"),
            trace=2,
            start=late,
            seconds=3,
        ),
        payload(3, generation(user="bob", cost=9), trace=3),
    ) as store:
        page = store.users.get("ana", timezone=timezone(timedelta(hours=9)))
        assert page is not None
        assert (page.traces, page.observations, page.total_tokens, page.errors) == (2, 2, 10, 0)
        assert (page.latency_p50, page.latency_p95) == (2.0, 2.9)
        assert [(use.model, use.total_cost) for use in page.models] == [
            ("big", 2.0),
            ("gpt-4o", 0.5),
        ]
        assert [(day.day.isoformat(), day.traces, day.total_cost) for day in page.daily] == [
            ("2026-01-15", 1, 0.5),
            ("2026-01-16", 1, 2.0),
        ]
        assert page.first_seen == datetime(2026, 1, 15, 12, tzinfo=UTC)


USERS = st.sampled_from([None, "ana", "bob", "cleo"])
MONEY = st.one_of(
    st.none(), st.decimals(min_value=0, max_value=50, places=13).map(lambda d: f"{d:f}")
)
SPANS = st.lists(
    st.tuples(st.integers(1, 6), USERS, MONEY, st.integers(0, 1000), st.booleans(), st.booleans()),
    min_size=1,
    max_size=25,
)


# Each example is a store of its own, a quarter of a second of work.
@settings(max_examples=settings().max_examples // 8)
@given(SPANS)
def test_totals_by_user_are_the_totals(
    tmp_path_factory: pytest.TempPathFactory,
    spans: list[tuple[int, str | None, str | None, int, bool, bool]],
) -> None:
    """Over all users, None among them, traces, errors, observations, tokens and money add up exactly."""
    home = tmp_path_factory.mktemp(uuid4().hex)
    records = [
        payload(
            number,
            generation(user=user, cost=cost, tokens=(tokens, 0)),
            trace=trace,
            parent=1_000 if child else None,
            start=NOON + number * SECOND,
            error="no" if failed else None,
        )
        for number, (trace, user, cost, tokens, child, failed) in enumerate(spans)
    ]
    expected = sum(
        round(Decimal(cost) * 10**12) for _, _, cost, _, _, _ in spans if cost is not None
    )
    with store_of(home, *records) as store:
        users = store.users.list()
        traces = store.get_traces()
        pages = [store.users.get(user.user_id) for user in users]
    assert sum(user.observations for user in users) == len(spans)
    assert sum(user.cost_pico or 0 for user in users) == expected
    assert sum(trace.cost_pico or 0 for trace in traces) == expected
    assert sum(user.total_tokens for user in users) == sum(span[3] for span in spans)
    assert sum(user.traces for user in users) == len(traces) == len({span[0] for span in spans})
    assert sum(user.errors for user in users) == sum(trace.status == "ERROR" for trace in traces)
    assert len({user.user_id for user in users}) == len(users)
    for user, page in zip(users, pages, strict=True):
        assert page is not None
        assert {name: getattr(page, name) for name in UserSummary.__dataclass_fields__} == {
            name: getattr(user, name) for name in UserSummary.__dataclass_fields__
        }
        assert sum(day.observations for day in page.daily) == user.observations
        assert sum(day.cost_pico or 0 for day in page.daily) == (user.cost_pico or 0)
        assert sum(day.traces for day in page.daily) == user.traces


def test_a_project_sees_its_own(home: Path) -> None:
    """A store of one project holds nothing of another; without a project it holds all."""
    for number, owner in enumerate(("shop", "bank"), 1):
        application = Application(home, owner)
        application.write(payload(number, generation(user="ana", cost=number), trace=number))
        application.close()
    asked: list[tuple[str | None, float]] = [("shop", 1.0), ("bank", 2.0), (None, 3.0)]
    for project, cost in asked:
        with LocalStore(home, project=project) as store:
            (user,) = store.users.list()
            assert user.total_cost == cost
            assert len(store.get_traces()) == (1 if project else 2)
