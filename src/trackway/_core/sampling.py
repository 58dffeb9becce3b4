"""Which traces are kept: decided once for a trace, by its id, so that every service of a trace decides alike."""

from collections.abc import Callable
from typing import Final, final

from trackway._core import log
from trackway._core.guard import guard

Sample = Callable[[str | None, str], float]
"""`sample(user_id, name) -> rate`: the share of this user's traces that begin with this observation, 0 to 1."""

_ALL: Final = 1 << 64
_guard: Final = guard("sampling")


@final
class Sampler:
    """Keeps a trace if the lower half of its id is below the rate, as OpenTelemetry's TraceIdRatioBased does."""

    __slots__ = ("_bound", "_sample")

    def __init__(self, rate: float, sample: Sample | None = None) -> None:
        self._bound = _bound(rate)
        self._sample = sample

    def keeps(self, trace_id: bytes, user_id: str | None, name: str) -> bool:
        """Whether the trace is kept; *sample*, where there is one, decides the rate. It fails towards keeping."""
        bound = self._bound
        if self._sample is not None:
            bound = _ALL
            with _guard:
                bound = self._asked(self._sample(user_id, name))
        return bound == _ALL or int.from_bytes(trace_id[8:]) < bound

    def _asked(self, rate: object) -> int:
        if isinstance(rate, int | float) and 0 <= rate <= 1:
            return _bound(float(rate))
        log.warn(
            "sample",
            "sample() returned %.40r, which is no rate from 0 to 1; the trace is kept",
            rate,
        )
        return _ALL


def _bound(rate: float) -> int:
    return round(rate * _ALL)
