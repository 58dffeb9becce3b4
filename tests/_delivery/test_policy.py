"""The table: what follows from each outcome."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery.policy import Action, Outcome, Policy, Rule, retry_after, rule


def decided(
    policy: Policy, outcome: Outcome, *, spans: int = 10, now: float = 0.0, stuck_s: float = 0.0
) -> Action:
    return policy.decide(outcome, spans=spans, size=1_000, now=now, stuck_s=stuck_s).action


def upper() -> float:
    return 1.0


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_acknowledges(status: int) -> None:
    """Every 2xx acknowledges, and the next request may follow at once."""
    policy = Policy(upper)
    assert decided(policy, Outcome(status=status)) is Action.ACK
    assert policy.ready_at <= 0


@pytest.mark.parametrize(
    "status", [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 409, 410, 415, 418, 426, 451]
)
def test_misconfiguration_keeps_the_data_for_a_minute(status: int) -> None:
    """A status that only a person can mend holds the destination for 60 s and loses nothing."""
    policy = Policy(upper)
    assert decided(policy, Outcome(status=status), now=5.0) is Action.KEEP
    assert policy.ready_at == 65.0
    assert policy.resting is Rule.MISCONFIGURED


def test_tls_failure_is_a_misconfiguration() -> None:
    """A failure of TLS, or an address that cannot be one, is held like a 401."""
    assert rule(Outcome(failure="unusable")) is Rule.MISCONFIGURED


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(failure="network"),
        Outcome(status=408),
        Outcome(status=425),
        Outcome(status=429),
        Outcome(status=500),
        Outcome(status=502),
        Outcome(status=503),
        Outcome(status=504),
        Outcome(status=599),
        Outcome(status=100),
    ],
)
def test_passing_faults_back_off(outcome: Outcome) -> None:
    """What may pass by itself is retried after 1, 2, 4 … s, at most 60."""
    policy = Policy(upper)
    now, waits = 0.0, []
    for _ in range(9):
        assert decided(policy, outcome, now=now) is Action.KEEP
        waits.append(policy.ready_at - now)
        now = policy.ready_at
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_backoff_has_full_jitter() -> None:
    """The wait is a random share of the longest one."""
    policy = Policy(lambda: 0.25)
    decided(policy, Outcome(status=502))
    assert policy.ready_at == 0.25


def test_an_acknowledgement_ends_the_backoff() -> None:
    """After a success the next failure waits 1 s again."""
    policy = Policy(upper)
    for _ in range(5):
        decided(policy, Outcome(status=502))
    decided(policy, Outcome(status=200))
    decided(policy, Outcome(status=502))
    assert policy.ready_at == 1.0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("announced", "expected"),
    [(7.0, 7.0), (3_600.0, 3_600.0), (9e9, 3_600.0), (None, 1.0), (0.0, 0.0)],
)
def test_retry_after_is_obeyed(status: int, announced: float | None, expected: float) -> None:
    """429 and 503 hold for what Retry-After says, an hour at most; without it they back off."""
    policy = Policy(upper)
    assert decided(policy, Outcome(status=status, retry_after=announced)) is Action.KEEP
    assert policy.ready_at == expected


def test_retry_after_zero_for_ever_is_no_storm() -> None:
    """A server that says "at once" again and again gets the backoff."""
    policy = Policy(upper)
    waits = []
    for _ in range(4):
        decided(policy, Outcome(status=503, retry_after=0.0))
        waits.append(policy.ready_at)
    assert waits == [0.0, 2.0, 4.0, 8.0]


def test_hurry_ends_a_backoff_only() -> None:
    """Who waits may cut a backoff short, but neither what the server announced nor a misconfiguration."""
    for outcome, ended in [
        (Outcome(failure="network"), True),
        (Outcome(status=500), True),
        (Outcome(status=503, retry_after=9.0), False),
        (Outcome(status=401), False),
    ]:
        policy = Policy(upper)
        decided(policy, outcome)
        assert policy.hurry() is ended
        assert (policy.ready_at <= 0) is ended


def test_too_large_splits_and_is_remembered() -> None:
    """413 halves a batch at once and limits later requests; a single span is rejected."""
    policy = Policy(upper)
    decision = policy.decide(Outcome(status=413), spans=8, size=1_000_000, now=0.0)
    assert decision.action is Action.SPLIT
    assert policy.limit == 500_000
    assert policy.ready_at <= 0
    assert decided(policy, Outcome(status=413), spans=1) is Action.REJECT


def test_the_limit_does_not_fall_below_sense() -> None:
    """A server that calls everything too large does not get a request of one byte."""
    policy = Policy(upper)
    for _ in range(40):
        policy.decide(Outcome(status=413), spans=2, size=100, now=0.0)
    assert policy.limit == 16 << 10


@pytest.mark.parametrize("status", [400, 422])
def test_malformed_is_halved_down_to_the_span(status: int) -> None:
    """400 and 422 halve a batch, and reject a single span."""
    policy = Policy(upper)
    assert decided(policy, Outcome(status=status), spans=2) is Action.SPLIT
    assert decided(policy, Outcome(status=status), spans=1) is Action.REJECT
    assert policy.ready_at <= 0


@pytest.mark.parametrize(
    ("outcome", "reason", "answer"),
    [
        (Outcome(status=400, detail="why"), "400", "HTTP 400"),
        (Outcome(status=400, name="INVALID_ARGUMENT"), "400", "INVALID_ARGUMENT"),
        (Outcome(failure="failed", detail="it raised"), "failed", "it raised"),
    ],
)  # fmt: skip
def test_an_answer_has_a_name_and_a_reason(outcome: Outcome, reason: str, answer: str) -> None:
    """A refusal is counted by the status of HTTP, or by what there was instead, and told in the protocol's words."""
    assert (outcome.reason, outcome.answer) == (reason, answer)


def test_an_exporter_that_fails_is_a_500() -> None:
    """An exporter of the application's that gives no reason is kept for an hour, then halved, like a 500."""
    policy = Policy(lambda: 1.0)
    failed = Outcome(failure="failed", detail="it raised")
    assert decided(policy, failed, stuck_s=3_599.0) is Action.KEEP
    assert decided(policy, failed, stuck_s=3_600.0) is Action.SPLIT
    assert decided(policy, failed, spans=1, stuck_s=3_600.0) is Action.SUSPECT


def test_500_for_an_hour_is_halved() -> None:
    """500 is retried for an hour; then the batch is halved and a single span is under suspicion."""
    policy = Policy(upper)
    assert decided(policy, Outcome(status=500), stuck_s=3_599.0) is Action.KEEP
    assert decided(policy, Outcome(status=500), stuck_s=3_600.0) is Action.SPLIT
    assert decided(policy, Outcome(status=500), spans=1, stuck_s=3_600.0) is Action.SUSPECT
    assert decided(policy, Outcome(status=502), stuck_s=9_999.0) is Action.KEEP


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("3601", 3_600.0),
        ("9" * 5_000, 3_600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("Wed, 15 Nov 2023 22:13:20 GMT", 3_600.0),
        ("Tue, 99 Nov 2023 22:13:20 GMT", None),
    ],
)
def test_retry_after_forms(value: str | None, expected: float | None) -> None:
    """Retry-After is read as seconds or as a date, and is 0 to 3,600 s or nothing."""
    assert retry_after(value, 1_700_000_000.0) == expected


@given(st.text())
def test_retry_after_never_raises(value: str) -> None:
    """Whatever a server sends as Retry-After, the answer is None or 0 to 3,600 s."""
    found = retry_after(value, 1_700_000_000.0)
    assert found is None or 0 <= found <= 3_600


@given(
    st.lists(
        st.builds(
            Outcome,
            status=st.none() | st.integers(100, 999),
            failure=st.sampled_from(["", "network", "unusable", "failed"]),
            retry_after=st.none() | st.floats(0, 3_600),
        ),
        max_size=60,
    ),
    st.floats(0, 1),
)
def test_no_outcome_loses_or_storms(outcomes: list[Outcome], share: float) -> None:
    """Whatever happens, a batch of two is never rejected, and a rest is never longer than an hour."""
    policy = Policy(lambda: share)
    for outcome in outcomes:
        decision = policy.decide(outcome, spans=2, size=10_000, now=0.0)
        assert decision.action in {Action.ACK, Action.KEEP, Action.SPLIT}
        assert policy.ready_at <= 3_600
