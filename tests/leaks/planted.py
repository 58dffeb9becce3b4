"""The secrets of a run under `make leaks`: made up from a seed, so that whoever looks for them knows them.

Imports nothing of trackway: `planting/sitecustomize.py` has them in every Python that the suite starts.
"""

import random
from typing import Final

from tests._core.vendors import shaped

__all__ = ["ENVIRONMENT", "HEADER", "NAMED", "SHAPED", "planted"]

_r: Final = random.Random("leaks")


def _drawn() -> str:
    return "".join(_r.choices("abcdefghjkmnpqrstuvwxyz23456789", k=28))


SHAPED: Final = {vendor: make(_r) for vendor, make in shaped().items()}
"""One of each vendor, told by its shape wherever it stands."""
NAMED: Final = {name: _drawn() for name in ("api_key", "password", "access_token")}
"""Told only by the names that they are given."""
HEADER: Final = _drawn()
"""Goes to backends in a header, and nowhere else."""
ENVIRONMENT: Final = {
    "OPENAI_API_KEY": "sk-proj-" + _drawn(),
    "ANTHROPIC_API_KEY": "sk-ant-api03-" + _drawn(),
    "AWS_SECRET_ACCESS_KEY": _drawn(),
    "DATABASE_URL": f"postgres://app:{_drawn()}@db.example.org/app",
}
"""What an application's environment holds beside our settings; nobody asked us to look at it."""


def planted() -> dict[str, str]:
    """By name, the part of each that tells it from its like."""
    secrets = {**SHAPED, **NAMED, "header": HEADER}
    ends = {name: secret[-14:] for name, secret in secrets.items()}
    return (
        ends
        | {name: value[-28:-1] for name, value in ENVIRONMENT.items() if name != "DATABASE_URL"}
        | {"DATABASE_URL": ENVIRONMENT["DATABASE_URL"][15:43]}
    )
