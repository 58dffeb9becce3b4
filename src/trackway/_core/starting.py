"""The start of an observation: its fields, its place, its time. It runs for every one."""

from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context

from trackway._core import fork
from trackway._core.context import OBSERVATION, PROPAGATED
from trackway._core.current import SPAN
from trackway._core.observation import Observation
from trackway._core.placing import begin_trace
from trackway._core.state import ROOM
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider

__all__ = ["begin", "blank"]


def blank(provider: "TracerProvider") -> Observation:
    """An observation as all of *provider* are before anything is said of them; it has ended, and is none itself."""
    o = Observation()
    o._provider, o._scope, o._name, o._kind = provider, provider.scope, "", "span"
    o._trace = o._span = o._parent = b""
    o._born, o._span_kind, o._room = 0, 1, ROOM
    o._parent_is_remote = o._is_root = o._handle = o._written = o._recording = False
    o._ended = o._input_is_json = o._output_is_json = True
    o._around = o._propagated = None
    o._late = o._input = o._output = o._extra = o._metadata = o._api = o._bill = None
    o._status = o._touched = o._owned = o._start = o._clock = o._is_otel_current = 0
    o._saved = -1
    o._status_text = o._trace_state = ""
    return o


def _blank_again(of: Observation) -> Observation:
    return blank(of._provider)


_fresh: Final = _blank_again if kernels is None else kernels.clone


def begin(provider: "TracerProvider", name: str, kind: str, context: Context) -> Observation:
    """An observation under what is current in *context*."""
    if not fork.alive[0]:
        fork.ensure()
    o = _fresh(provider.blank)
    o._scope, o._name, o._kind, o._born = provider.scope, name, kind, fork.pid
    o._span = provider.draw_span_id()
    o._propagated = context.get(PROPAGATED)  # type: ignore[assignment]  # only context.py writes this key
    around: Observation | None = context.get(OBSERVATION)  # type: ignore[assignment]  # likewise
    if (
        around is not None
        and around._provider is provider
        and (not around._is_otel_current or context.get(SPAN) is around)
    ):
        o._trace, o._parent = around._trace, around._span
        o._recording, o._is_otel_current = around._recording, around._is_otel_current
        o._trace_state = around._trace_state
    else:
        begin_trace(provider, o, around, context)
    o._ended = False
    o._start, o._clock = time_ns(), perf_counter_ns()
    return o
