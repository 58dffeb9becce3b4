"""Processes that are frozen between requests, as AWS Lambda freezes them: what ended must be out before that.

The end of a root observation is the last moment at which an application's thread passes by. Other applications do not
pay for the question: the way of the record is another one only where it is asked for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider


def deliver_at_root_end(provider: "TracerProvider", deliver: Callable[[], object]) -> None:
    """Has *deliver* called after each root observation of *provider* that is recorded, on the thread that ends it."""
    record = provider.record

    def record_and_deliver(o: "Observation", end: int) -> None:
        record(o, end)
        if o._is_root and o._recording:
            deliver()

    provider.record = record_and_deliver  # type: ignore[method-assign]  # this provider's alone
