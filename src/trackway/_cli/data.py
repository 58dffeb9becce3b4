"""What `--json` prints: the models of the read API as plain objects.

The keys are part of the interface: a new version may add some, and takes none away. Times are ISO 8601 in UTC,
durations seconds, money US dollars: a number, and the same exactly as a text. What nobody priced is null.
"""

import sys
from collections.abc import Mapping
from decimal import Decimal

import orjson

from trackway._cli.words import clean_json
from trackway._store.ingest import IngestReport
from trackway._store.models import (
    Observation,
    Score,
    Trace,
    User,
    UserSummary,
    dollars,
    exact_dollars,
)
from trackway._store.reprice import Repriced
from trackway._store.retention import Days, Holdings
from trackway._store.spending import Spending, Top

__all__ = [
    "ingested",
    "observation",
    "print_json",
    "repriced",
    "retention",
    "spending",
    "top",
    "trace",
    "user",
    "user_page",
]

Object = dict[str, object]


def user(summary: UserSummary) -> Object:
    """A row of `trackway users --json`."""
    return {
        "user_id": summary.user_id,
        "first_seen": summary.first_seen,
        "last_seen": summary.last_seen,
        "traces": summary.traces,
        "errors": summary.errors,
        "error_rate": summary.error_rate,
        "observations": summary.observations,
        "sessions": summary.sessions,
        "input_tokens": summary.input_tokens,
        "output_tokens": summary.output_tokens,
        "total_tokens": summary.total_tokens,
        "total_cost": summary.total_cost,
        "total_cost_exact": _text(summary.total_cost_exact),
        "cost_complete": summary.cost_complete,
        "latency_p50": summary.latency_p50,
        "latency_p95": summary.latency_p95,
    }


def user_page(page: User) -> Object:
    """`trackway user ID --json`."""
    return {
        **user(page),
        "models": [
            {
                "model": model.model,
                "observations": model.observations,
                "input_tokens": model.input_tokens,
                "output_tokens": model.output_tokens,
                "total_tokens": model.total_tokens,
                "total_cost": model.total_cost,
                "total_cost_exact": _text(model.total_cost_exact),
                "cost_complete": model.cost_complete,
            }
            for model in page.models
        ],
        "daily": [
            {
                "day": day.day,
                "traces": day.traces,
                "errors": day.errors,
                "observations": day.observations,
                "total_tokens": day.total_tokens,
                "total_cost": day.total_cost,
                "total_cost_exact": _text(day.total_cost_exact),
                "cost_complete": day.cost_complete,
            }
            for day in page.daily
        ],
        "scores": [
            {"name": score.name, "count": score.count, "mean": score.mean} for score in page.scores
        ],
    }


def trace(given: Trace) -> Object:
    """A row of `trackway traces --json`, and the head of `trackway trace ID --json`."""
    return {
        "id": given.id,
        "project": given.project,
        "name": given.name,
        "timestamp": given.timestamp,
        "end_time": given.end_time,
        "latency": given.latency,
        "user_id": given.user_id,
        "session_id": given.session_id,
        "tags": given.tags,
        "environment": given.environment,
        "release": given.release,
        "version": given.version,
        "status": given.status,
        "level": given.level,
        "status_message": given.status_message,
        "observation_count": given.observation_count,
        "error_count": given.error_count,
        "models": given.models,
        "input_tokens": given.input_tokens,
        "output_tokens": given.output_tokens,
        "total_tokens": given.total_tokens,
        "total_cost": given.total_cost,
        "total_cost_exact": _text(given.total_cost_exact),
        "cost_complete": given.cost_complete,
        "metadata": dict(given.metadata),
        "scores": [_score(score) for score in given.scores_list],
        "url": given.url,
    }


def observation(given: Observation, *, io: bool) -> Object:
    """One of the `observations` of `trackway trace ID --json`; `input` and `output` with `--io` only."""
    exchanged = {"input": given.input, "output": given.output} if io else {}
    return {
        "id": given.id,
        "parent_observation_id": given.parent_observation_id,
        "type": given.type,
        "name": given.name,
        "start_time": given.start_time,
        "end_time": given.end_time,
        "latency": given.latency,
        "time_to_first_token": given.time_to_first_token,
        "user_id": given.user_id,
        "session_id": given.session_id,
        "level": given.level,
        "status": given.status,
        "status_message": given.status_message,
        "model": given.model,
        "model_parameters": dict(given.model_parameters),
        "input_tokens": given.input_tokens,
        "output_tokens": given.output_tokens,
        "total_tokens": given.total_tokens,
        "usage": given.usage,
        "total_cost": given.total_cost,
        "total_cost_exact": _text(given.total_cost_exact),
        "price_source": given.price_source,
        "price_version": given.price_version,
        "metadata": dict(given.metadata),
        "exception": None if given.exception is None else dict(given.exception),
        **exchanged,
    }


def top(given: Top) -> Object:
    """`trackway top --json`."""
    return {
        "groups": [spending(group) for group in given.groups],
        "total": spending(given.total),
        "group_count": given.group_count,
    }


def spending(given: Spending) -> Object:
    """One of the groups of `trackway top --json`, and their total."""
    return {
        "group": given.group,
        "calls": given.calls,
        "input_tokens": given.input_tokens,
        "output_tokens": given.output_tokens,
        "total_tokens": given.total_tokens,
        "total_cost": given.total_cost,
        "total_cost_exact": _text(given.total_cost_exact),
        "cost_complete": given.cost_complete,
        "unpriced": given.unpriced,
    }


def repriced(given: Repriced, *, dry_run: bool) -> Object:
    """`trackway reprice --json`."""
    return {
        "calls": given.calls,
        "changed": given.changed,
        "newly_priced": given.newly_priced,
        "unpriced": given.unpriced,
        "cost_before": dollars(given.known_before),
        "cost_after": dollars(given.known_after),
        "cost_before_exact": _text(exact_dollars(given.known_before)),
        "cost_after_exact": _text(exact_dollars(given.known_after)),
        "dry_run": dry_run,
    }


def ingested(given: IngestReport) -> Object:
    """`trackway ingest --json`."""
    return {
        "records": given.records,
        "malformed": given.malformed,
        "damaged_bytes": given.damaged_bytes,
        "seconds": given.seconds,
        "busy": given.busy,
    }


def retention(given: Holdings, *, unread: int, gone: Days | None, dry_run: bool) -> Object:
    """`trackway retention --json`."""
    return {
        "rule": {"age_seconds": given.rule.age_s, "bytes": given.rule.size},
        "held": _days(given.held),
        "unread_bytes": unread,
        "retired_rows": given.retired_rows,
        "deleted": None if gone is None else _days(gone),
        "dry_run": dry_run,
    }


def _days(given: Days) -> Object:
    return {
        "files": given.files,
        "observations": given.rows,
        "bytes": given.bytes,
        "days": given.days,
        "first_day": given.first,
        "last_day": given.last,
    }


def _score(given: Score) -> Object:
    return {
        "id": given.id,
        "name": given.name,
        "value": given.value,
        "data_type": given.data_type,
        "comment": given.comment,
        "timestamp": given.timestamp,
        "observation_id": given.observation_id,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def print_json(value: object) -> None:
    """Writes *value* as JSON, UTF-8, safe to look at in a terminal."""
    text = orjson.dumps(
        value, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
    ).decode()
    sys.stdout.buffer.write(clean_json(text).encode() + b"\n")
    sys.stdout.buffer.flush()


def _plain(value: object) -> object:
    # Payloads are JSON already; what is read as an integer beyond 64 bits is the one thing that JSON here cannot say.
    return dict(value) if isinstance(value, Mapping) else str(value)
