"""What the traces of a page do not carry: their observations, scores, inputs and outputs.

`for t in traces: for o in t.observations` over 10,000 traces is ten queries: whatever is asked of one trace is
loaded for its whole chunk of the page, once, and kept as long as the page.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Final, TypeVar, cast, final

import orjson

from trackway._store.models import Observation, Score
from trackway._store.query import Source
from trackway._store.reading import Reading, Rows
from trackway._store.times import from_microseconds

__all__ = ["CHUNK", "OBSERVATION_COLUMNS", "Content", "mapping", "observation", "payload", "values"]

CHUNK: Final = 1_000

Key = tuple[str, str]
T = TypeVar("T")

_NOTHING: Final = (None, None)
_PAYLOAD: Final = "input, input_mime_type, output, output_mime_type"
OBSERVATION_COLUMNS: Final = (
    "project, trace_id, span_id, parent_id, type, name, start_us, latency_us, time_to_first_token_us, "
    "epoch_us(completion_start_time), user_id, session_id, environment, release, version, level, status, "
    "status_message, model, model_parameters, input_tokens, output_tokens, total_tokens, usage_details, cost_details, "
    "metadata, trace_metadata, prompt_name, prompt_version, exception, attributes, "
    "price_source, price_version"
)
_SCORE_COLUMNS: Final = (
    "project, trace_id, score_id, observation_id, session_id, name, data_type, value, label, comment, "
    "epoch_us(start_time)"
)
_FIRST_ROOT: Final = (
    "QUALIFY row_number() OVER (PARTITION BY project, trace_id ORDER BY root_order) = 1"
)


@final
class Content:
    """The contents of up to CHUNK traces; *first_us* to *last_us* is the span of time that they cover."""

    def __init__(self, reading: Reading, ids: Sequence[str], first_us: int, last_us: int) -> None:
        self._reading = reading
        self._ids = list(ids)
        self._span = (first_us, last_us)
        self._lock = threading.RLock()
        self._loaded: dict[str, object] = {}

    def observations(self, project: str, trace_id: str) -> tuple[Observation, ...]:
        """The observations of a trace, by start."""
        return self._once("observations", self._load_observations).get((project, trace_id), ())

    def scores(self, project: str, trace_id: str) -> tuple[Score, ...]:
        """The scores of a trace and of its observations, oldest first."""
        return self._once("scores", self._load_scores).get((project, trace_id), ())

    def root_payload(self, project: str, trace_id: str) -> tuple[object, object]:
        """Input and output of the trace's root."""
        return self._once("roots", self._load_roots).get((project, trace_id), _NOTHING)

    def payload(self, project: str, trace_id: str, observation_id: str) -> tuple[object, object]:
        """Input and output of an observation."""
        return self._once("payloads", self._load_payloads).get(
            (project, trace_id, observation_id), _NOTHING
        )

    def _once(self, name: str, load: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load()
            return cast("T", self._loaded[name])

    def _load_observations(self) -> dict[Key, tuple[Observation, ...]]:
        rows = self._rows(OBSERVATION_COLUMNS, "ORDER BY start_us, root_order NULLS LAST, sequence")
        return _grouped(rows, lambda row: observation(row, self))

    def _load_scores(self) -> dict[Key, tuple[Score, ...]]:
        # Not by time: a score may be given long after its trace.
        rows = self._reading.ask(lambda source: source.score_rows(_SCORE_COLUMNS, self._ids))
        return _grouped(rows, _score)

    def _load_roots(self) -> dict[Key, tuple[object, object]]:
        rows = self._rows(f"project, trace_id, {_PAYLOAD}", _FIRST_ROOT, roots=True)
        return {(str(project), str(trace_id)): _pair(*rest) for project, trace_id, *rest in rows}

    def _load_payloads(self) -> dict[tuple[str, str, str], tuple[object, object]]:
        rows = self._rows(f"project, trace_id, span_id, {_PAYLOAD}")
        return {
            (str(p), str(trace_id), str(span_id)): _pair(*rest)
            for p, trace_id, span_id, *rest in rows
        }

    def _rows(self, columns: str, tail: str = "", *, roots: bool = False) -> Rows:
        def question(source: Source) -> str:
            return source.rows_of_traces(columns, self._ids, self._span, tail, roots=roots)

        return self._reading.ask(question, between=self._span)


def observation(row: Sequence[object], content: Content) -> Observation:
    """The model of a row of OBSERVATION_COLUMNS."""
    (
        project, trace_id, span_id, parent_id, kind, name, start, latency, first_token, completion, user_id, session_id,
        environment, release, version, level, status, message, model, parameters, inputs, outputs, total, usage, costs,
        metadata, trace_metadata, prompt_name, prompt_version, exception, attributes,
        price_source, price_version,
    ) = row  # fmt: skip
    start_us, latency_us = cast("int", start), cast("int", latency)
    return Observation(
        id=cast("str", span_id),
        trace_id=cast("str", trace_id),
        project=cast("str", project),
        parent_observation_id=cast("str | None", parent_id),
        type=cast("str", kind),
        name=cast("str", name),
        start_time=from_microseconds(start_us),
        end_time=from_microseconds(start_us + latency_us),
        latency=latency_us / 1e6,
        time_to_first_token=None if first_token is None else cast("int", first_token) / 1e6,
        completion_start_time=None
        if completion is None
        else from_microseconds(cast("int", completion)),
        user_id=cast("str | None", user_id),
        session_id=cast("str | None", session_id),
        environment=cast("str | None", environment),
        release=cast("str | None", release),
        version=cast("str | None", version),
        level=cast("str", level),
        status=cast("str", status),
        status_message=cast("str | None", message),
        model=cast("str | None", model),
        model_parameters=mapping(parameters),
        input_tokens=cast("int | None", inputs),
        output_tokens=cast("int | None", outputs),
        total_tokens=cast("int | None", total),
        usage_details=cast("dict[str, int]", mapping(usage)),
        cost_pico=cast("dict[str, int]", mapping(costs)),
        metadata={**values(trace_metadata), **values(metadata)},
        price_source=cast("str | None", price_source),
        price_version=cast("str | None", price_version),
        prompt_name=cast("str | None", prompt_name),
        prompt_version=cast("int | None", prompt_version),
        exception=mapping(exception) or None,
        attributes=mapping(attributes),
        content=content,
    )


def mapping(text: object) -> dict[str, object]:
    """A JSON object; empty for NULL."""
    if not text:
        return {}
    found = orjson.loads(cast("str", text))
    return found if isinstance(found, dict) else {}


def values(text: object) -> dict[str, object]:
    """Metadata as it was given, as far as its texts tell: what is written as JSON writes a non-string is one."""
    return {key: _value(item) for key, item in mapping(text).items()}


def _value(text: object) -> object:
    if not isinstance(text, str) or not text or text[0] not in '{["-0123456789tfn':
        return text
    try:
        found = orjson.loads(text)
    except ValueError:
        return text
    # "1.50" or "00" is how a person writes, not how a number is written here.
    return (
        text
        if isinstance(found, str)
        or (not isinstance(found, dict | list) and orjson.dumps(found).decode() != text)
        else found
    )


def _score(row: Sequence[object]) -> Score:
    (
        project,
        trace_id,
        score_id,
        observation_id,
        session_id,
        name,
        data_type,
        number,
        label,
        comment,
        given,
    ) = row
    value = cast("float | None", number)
    return Score(
        id=cast("str", score_id),
        name=cast("str", name),
        value=cast("str", label or "")
        if value is None
        else bool(value)
        if data_type == "BOOLEAN"
        else value,
        data_type=cast("str", data_type),
        comment=cast("str | None", comment),
        timestamp=from_microseconds(cast("int", given)),
        trace_id=cast("str | None", trace_id),
        observation_id=cast("str | None", observation_id),
        session_id=cast("str | None", session_id),
        project=cast("str", project),
    )


def _pair(sent: object, sent_type: object, got: object, got_type: object) -> tuple[object, object]:
    return payload(sent, sent_type), payload(got, got_type)


def payload(text: object, mime_type: object) -> object:
    """An input or output as a value; what says that it is JSON and is not, as its text."""
    if text is None or mime_type == "text/plain":
        return text
    try:
        return orjson.loads(cast("str", text))
    except ValueError:
        # Cut, or never JSON.
        return text


def _grouped(rows: Rows, make: "Callable[[Sequence[object]], T]") -> "dict[Key, tuple[T, ...]]":
    """Models by (project, trace id), which begin each row; in the order of the rows."""
    found: dict[Hashable, list[T]] = defaultdict(list)
    for row in rows:
        found[row[:2]].append(make(row))
    return {cast("Key", key): tuple(models) for key, models in found.items()}
