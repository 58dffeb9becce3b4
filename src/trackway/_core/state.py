"""What an observation knows of itself: the fields that its start sets and its end reads.

A base class of its own, with slots and no behaviour: all of them are touched for every observation, and what people see
of one is in `observation.py`.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from trackway._core import billing, otel_api
    from trackway._core.observation import Observation
    from trackway._core.propagated import Propagated
    from trackway._core.provider import Scope, TracerProvider

# Bytes that the values of one span may use together.
ROOM: Final = 2 << 20

# How an observation is OpenTelemetry's current span: not at all (beside a host), with our own sampling decision, or
# with the host's where the two are joined. All but the first are true.
ISOLATED: Final = 0
CURRENT: Final = 1
HOST_SAMPLED: Final = 2
HOST_DROPPED: Final = 3

# Whose word on users and the like is good for the children of an observation (`_owned`).
SAID_FOR_GOOD: Final = 1
SAID_AT_START: Final = 2


class State:
    """The fields of one observation. All are set by `starting.begin`, but for `_found` and `_base`."""

    __slots__ = (
        "_api",
        "_around",
        "_base",
        "_bill",
        "_born",
        "_clock",
        "_ended",
        "_extra",
        "_found",
        "_handle",
        "_input",
        "_input_is_json",
        "_is_otel_current",
        "_is_root",
        "_kind",
        "_late",
        "_metadata",
        "_name",
        "_output",
        "_output_is_json",
        "_owned",
        "_parent",
        "_parent_is_remote",
        "_propagated",
        "_provider",
        "_recording",
        "_room",
        "_saved",
        "_scope",
        "_span",
        "_span_kind",
        "_start",
        "_status",
        "_status_text",
        "_touched",
        "_trace",
        "_trace_state",
        "_written",
    )

    _provider: "TracerProvider"
    _scope: "Scope"
    _trace: bytes
    _span: bytes
    # Empty for a root.
    _parent: bytes
    _parent_is_remote: bool
    _is_root: bool
    _is_otel_current: int
    _recording: bool
    _name: str
    _kind: str
    _span_kind: int
    # Nanoseconds since the epoch, and the monotonic clock at that moment (0 where the caller gave the start).
    _start: int
    _clock: int
    # The process that began it: a forked child does not write its parent's observations.
    _born: int
    # The context in which it was made the current one.
    _around: "Context | None"
    _propagated: "Propagated | None"
    # Whether `_propagated` was said of this observation itself, and then beats what the context says where a child
    # starts: never, for good (a low-level trace), or but for what was said since (`_base`).
    _owned: int
    # With SAID_AT_START: what the context said when the observation was given its own.
    _base: "Propagated | None"
    # What the resolvers of `parents.py` said when it became current; set by `current.inside`.
    _found: "Observation | None"
    # What a block or `set_user` gave after the start, for what the observation had no value of its own.
    _late: "Propagated | None"
    _input: bytes | None
    _input_is_json: bool
    _output: bytes | None
    _output_is_json: bool
    _extra: dict[str, bytes] | None
    _metadata: dict[str, bytes] | None
    _api: "otel_api.Additions | None"
    # What it says of tokens, model and cost, for the price at its end.
    _bill: "billing.Bill | None"
    _status: int
    _status_text: str
    _trace_state: str
    # Bytes that the values of this span may still use.
    _room: int
    _ended: bool
    # A low-level handle is written when it is made and again when it is left; `_touched` is its last update.
    _handle: bool
    _touched: int
    _written: bool
    # The last update that was written, so that not every flush writes what has not changed.
    _saved: int
