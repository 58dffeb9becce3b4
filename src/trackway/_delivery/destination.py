"""Where spans go, by a name that every process of the same configuration derives alike."""

from trackway._core.backend import Remote
from trackway._delivery.chain import LOCAL, destination_id

__all__ = ["LOCAL", "description_of", "identity_of"]


def identity_of(remote: Remote) -> str:
    """The id of a remote destination: a hash of its kind, address and key, none of them secret."""
    return destination_id(remote.kind, remote.base, remote.key)


def description_of(remote: Remote | None) -> dict[str, str]:
    """What `trackway spool ls` shows of a destination to whoever is not configured for it."""
    if remote is None:
        return {"kind": LOCAL}
    return {"kind": remote.kind, "url": remote.base, "key": remote.key}
