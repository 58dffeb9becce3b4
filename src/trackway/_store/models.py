"""What the read API gives back: frozen values, with units in their docstrings.

Money is kept as integer pico-dollars (10⁻¹² USD) and summed as such. At this edge `total_cost` is a float of US
dollars, because user code adds it to floats, and `total_cost_exact` the same amount as a Decimal. What nobody priced
is None, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

__all__ = [
    "DayUse",
    "ModelUse",
    "Observation",
    "Priced",
    "Score",
    "ScoreMean",
    "Session",
    "Trace",
    "User",
    "UserSummary",
]

PICO: Final = 12


def dollars(pico: int | None) -> float | None:
    """US dollars as the nearest float; None stays None."""
    return None if pico is None else pico / 10**PICO


def exact_dollars(pico: int | None) -> Decimal | None:
    """US dollars without rounding; None stays None."""
    return None if pico is None else Decimal(pico).scaleb(-PICO)


class Priced:
    """What costs money: the amount as a number that adds up with others, and exactly."""

    __slots__ = ()

    cost_pico: int | None
    """Pico-dollars of the priced observations; None where some should have a price and none has."""
    cost_complete: bool
    """False where a generation or embedding in it has no price."""

    @property
    def total_cost(self) -> float | None:
        """US dollars of the priced observations; None where nobody priced any, see `cost_complete`."""
        return dollars(self.cost_pico)

    @property
    def total_cost_exact(self) -> Decimal | None:
        """The same, exact to the pico-dollar."""
        return exact_dollars(self.cost_pico)


class TraceContent(Protocol):
    """Where a trace gets what it does not carry: loaded once, for all traces of its page together."""

    def observations(self, project: str, trace_id: str) -> "tuple[Observation, ...]":
        """The observations of a trace, by start."""
        ...

    def scores(self, project: str, trace_id: str) -> "tuple[Score, ...]":
        """The scores of a trace and of its observations, oldest first."""
        ...

    def root_payload(self, project: str, trace_id: str) -> tuple[object, object]:
        """Input and output of the trace's root."""
        ...

    def payload(self, project: str, trace_id: str, observation_id: str) -> tuple[object, object]:
        """Input and output of an observation."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A judgement on a trace, an observation or a session."""

    id: str
    name: str
    value: float | bool | str
    """A number; a bool for BOOLEAN; a text for CATEGORICAL and TEXT."""
    data_type: str
    """NUMERIC, BOOLEAN, CATEGORICAL or TEXT."""
    comment: str | None
    timestamp: datetime
    """When it was given; aware, UTC."""
    trace_id: str | None
    observation_id: str | None
    session_id: str | None
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A span with a kind: one step of a trace."""

    id: str
    trace_id: str
    project: str
    parent_observation_id: str | None
    type: str
    """SPAN, GENERATION, AGENT, TOOL, CHAIN, RETRIEVER, EVALUATOR, EMBEDDING, GUARDRAIL or EVENT."""
    name: str
    start_time: datetime
    """Aware, UTC, as all timestamps here."""
    end_time: datetime
    latency: float
    """Seconds from start to end."""
    time_to_first_token: float | None
    """Seconds from start to the first token."""
    completion_start_time: datetime | None
    user_id: str | None
    """The observation's own user; None where only its trace has one."""
    session_id: str | None
    environment: str | None
    release: str | None
    version: str | None
    level: str
    """DEBUG, DEFAULT, WARNING or ERROR."""
    status: str
    """OK or ERROR."""
    status_message: str | None
    model: str | None
    model_parameters: Mapping[str, object]
    input_tokens: int | None
    """All tokens of the input, cached ones included."""
    output_tokens: int | None
    """All tokens of the output, reasoning included."""
    total_tokens: int | None
    usage_details: Mapping[str, int]
    """Token counts in disjoint buckets (`input` without the cached part …) with their `total`."""
    cost_pico: Mapping[str, int]
    """Pico-dollars by bucket with their `total`; empty where nobody priced it."""
    price_source: str | None
    """Where the price is from (`genai-prices`, `overrides`, `cache`); None where the span itself said what it cost."""
    price_version: str | None
    """Which version of it."""
    metadata: Mapping[str, object]
    """What was given as text comes back as text, but for a text that is itself a JSON number, boolean, object or
    array."""
    prompt_name: str | None
    prompt_version: int | None
    exception: Mapping[str, object] | None
    """`type`, `message` and `stacktrace` of the exception that ended it."""
    attributes: Mapping[str, object]
    """Every other attribute of the span, as it was set."""
    content: TraceContent = field(repr=False, compare=False)

    @property
    def usage(self) -> dict[str, int | float]:
        """Token buckets (`input`, `output`, `total` …) and US dollars (`input_cost`, `output_cost`, `total_cost` …).

        A cost that nobody priced has no key.
        """
        costs = {f"{bucket}_cost": pico / 10**PICO for bucket, pico in self.cost_pico.items()}
        return {**self.usage_details, **costs}

    @property
    def total_cost(self) -> float | None:
        """US dollars; None where nobody priced it."""
        return dollars(self.cost_pico.get("total"))

    @property
    def total_cost_exact(self) -> Decimal | None:
        """US dollars, exact to the pico-dollar; None where nobody priced it."""
        return exact_dollars(self.cost_pico.get("total"))

    @property
    def input(self) -> object:
        """What went in: a text, or the value that its JSON says; None where nothing was recorded.

        Loaded when first asked for.
        """
        return self.content.payload(self.project, self.trace_id, self.id)[0]

    @property
    def output(self) -> object:
        """What came out, like `input`."""
        return self.content.payload(self.project, self.trace_id, self.id)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Priced):
    """One piece of the application's work, from its root observation down."""

    id: str
    project: str
    name: str
    timestamp: datetime
    """When its first observation started; aware, UTC."""
    end_time: datetime
    """When its last observation ended."""
    latency: float
    """Seconds between the two."""
    user_id: str | None
    """The root's user, else the only one among its observations."""
    session_id: str | None
    tags: list[str]
    environment: str | None
    release: str | None
    version: str | None
    status: str
    """ERROR when it ended in failure: its root did, or, without a root, its last observation. Else OK."""
    level: str
    """The level of the observation that `status` comes from."""
    status_message: str | None
    observation_count: int
    error_count: int
    """Failed observations, the root among them."""
    models: list[str]
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_pico: int | None
    """Pico-dollars of the priced observations; None where some should have a price and none has."""
    cost_complete: bool
    """False where a generation or embedding in it has no price."""
    metadata: Mapping[str, object]
    """What was propagated to the trace, over the root's own."""
    url: str
    """Its address on the local page."""
    content: TraceContent = field(repr=False, compare=False)

    @property
    def input(self) -> object:
        """The root's input. Loaded when first asked for, for all traces of the page at once."""
        return self.content.root_payload(self.project, self.id)[0]

    @property
    def output(self) -> object:
        """The root's output, like `input`."""
        return self.content.root_payload(self.project, self.id)[1]

    @property
    def observations(self) -> "tuple[Observation, ...]":
        """Its observations, by start. Loaded when first asked for, for all traces of the page at once."""
        return self.content.observations(self.project, self.id)

    @property
    def scores_list(self) -> "tuple[Score, ...]":
        """All scores of the trace and of its observations, oldest first."""
        return self.content.scores(self.project, self.id)

    @property
    def scores(self) -> dict[str, float | bool | str]:
        """The latest value of each score, by name."""
        return {score.name: score.value for score in self.scores_list}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSummary(Priced):
    """What one user did. An observation counts for its own user, else for its trace's; a trace for the trace's.

    So the sum over all users, with None as one of them, is the total.
    """

    user_id: str | None
    """None stands for all that has no user."""
    first_seen: datetime | None
    """Start of the first observation; aware, UTC. None without observations of their own."""
    last_seen: datetime | None
    """Start of the last one."""
    traces: int
    errors: int
    """Traces that ended in failure."""
    observations: int
    sessions: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_pico: int | None
    """Pico-dollars of the priced observations; None where some should have a price and none has."""
    cost_complete: bool
    """False where a generation or embedding has no price."""
    latency_p50: float | None
    """Seconds; the median over traces."""
    latency_p95: float | None
    """Seconds; 95 % of the traces took at most this long."""

    @property
    def error_rate(self) -> float:
        """The part of the traces that ended in failure, 0 to 1."""
        return self.errors / self.traces if self.traces else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse(Priced):
    """What was done with one model."""

    model: str
    observations: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_pico: int | None
    cost_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUse(Priced):
    """What was done on one day of the asked time zone."""

    day: date
    traces: int
    errors: int
    """Traces that ended in failure."""
    observations: int
    total_tokens: int
    cost_pico: int | None
    cost_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreMean:
    """The numbers that were given under one score's name."""

    name: str
    count: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class User(UserSummary):
    """One user's page: the summary, and what it is made of."""

    models: tuple[ModelUse, ...]
    """The most expensive first, then the most used."""
    daily: tuple[DayUse, ...]
    """Days on which something was done, oldest first."""
    scores: tuple[ScoreMean, ...]
    """Numeric and boolean scores on the user's traces, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Priced):
    """A conversation: the traces under one session id."""

    session_id: str
    user_ids: list[str]
    first_seen: datetime
    """Start of its first trace; aware, UTC."""
    last_seen: datetime
    """End of its last one."""
    traces: int
    errors: int
    """Traces that ended in failure."""
    total_tokens: int
    cost_pico: int | None
    cost_complete: bool
