"""Reading what a provider says, field by field: counts, mappings and lists that may be there, or be something else."""

from collections.abc import Mapping

from trackway._core.usage import NOTHING, Parts, count

__all__ = ["Given", "count_in", "listed", "nested", "take_in", "tier_in"]

Given = Mapping[str, object]


def count_in(given: Given, *names: str) -> int | None:
    """The first of *names* that says something, as a count."""
    for name in names:
        value = given.get(name)
        if value is not None:
            return count(value, name)
    return None


def take_in(parts: Parts, bucket: str, given: Given, name: str, whole: str) -> None:
    """What *name* says, if anything, as part of *whole*."""
    value = given.get(name)
    if value is not None:
        parts.take(bucket, count(value, name), whole)


def nested(given: Given, *names: str) -> Given:
    """The first of *names* that is a mapping."""
    for name in names:
        value = given.get(name)
        # To ask whether it is a `Mapping` costs ten times as much.
        if type(value) is dict or (value is not None and isinstance(value, Mapping)):
            return value
    return NOTHING


def listed(given: Given, key: str, counted: str, *names: str) -> dict[str, int]:
    """Of a list of mappings, the count under *counted* by what stands under *key*."""
    found: dict[str, int] = {}
    for name in names:
        several = given.get(name)
        for one in several if isinstance(several, list | tuple) else ():
            if isinstance(one, Mapping) and one.get(key) is not None:
                label = str(getattr(one[key], "value", one[key]))
                number = count_in(one, counted)
                if number is not None:
                    found[label] = found.get(label, 0) + number
    return found


def tier_in(given: Given, *names: str) -> str | None:
    """The first of *names* that says something, as the name of a service tier."""
    for name in names:
        value = given.get(name)
        if value is not None:
            return str(getattr(value, "value", value))[:40]
    return None
