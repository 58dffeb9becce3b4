"""Moments as the store keeps them: whole microseconds since the epoch, UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["DAY_US", "from_microseconds", "microseconds"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US: Final = 86_400_000_000
_STEP: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """µs since the epoch; a naive datetime is local time."""
    return (moment.astimezone(UTC) - EPOCH) // _STEP


def from_microseconds(us: int) -> datetime:
    """The aware datetime, UTC, without the rounding of a float of seconds."""
    return EPOCH + timedelta(microseconds=us)
