"""What the tests of the store share: applications that leave spans in the spool, and stores that read them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trackway._delivery.spool import Spool
from trackway._store.local import LocalStore
from trackway._wire import encode
from trackway._wire.encode import AttributeValue

SECOND: Final = 1_000_000_000
# 2026-01-15 12:00:00 UTC
NOON: Final = 1_768_478_400 * SECOND

Attributes = Mapping[str, AttributeValue]


def trace_id(number: int) -> str:
    """A trace id that can be recognised."""
    return f"{number:032x}"


def span_id(number: int) -> str:
    """A span id that can be recognised."""
    return f"{number:016x}"


def payload(
    number: int,
    attributes: Attributes | None = None,
    *,
    trace: int = 1,
    parent: int | None = None,
    name: str = "work",
    start: int = NOON,
    seconds: float = 1.0,
    error: str | None = None,
    events: bytes = b"",
) -> bytes:
    """The record of one span."""
    return encode.span(
        trace_id=bytes.fromhex(trace_id(trace)),
        span_id=bytes.fromhex(span_id(number)),
        parent_span_id=b"" if parent is None else bytes.fromhex(span_id(parent)),
        name=name,
        kind=1,
        start=start,
        end=start + int(seconds * SECOND),
        attributes=encode.attributes(attributes or {}),
        events=events,
        status=b"" if error is None else encode.status(2, error),
        flags=0x101,
    )


def generation(
    *,
    user: str | None = None,
    tokens: tuple[int, int] = (0, 0),
    cost: float | str | None = None,
    **more: AttributeValue,
) -> dict[str, AttributeValue]:
    """The attributes of a call of a model; *cost* as a text stands in the JSON as it is."""
    given: dict[str, AttributeValue] = {
        "langfuse.observation.type": "generation",
        "gen_ai.request.model": "gpt-4o",
        "langfuse.observation.usage_details": json.dumps(
            {"input": tokens[0], "output": tokens[1], "total": sum(tokens)}
        ),
    }
    if user is not None:
        given["user.id"] = user
    if cost is not None:
        given["langfuse.observation.cost_details"] = f'{{"total": {cost}}}'
    return {**given, **{key.replace("__", "."): value for key, value in more.items()}}


class Application:
    """A process's spool for the local destination, in the test's own process."""

    def __init__(self, home: Path, project: str = "shop") -> None:
        self.home = home
        self.spool = Spool(home / "spool", "local")
        resource = encode.resource({"service.name": "service", "trackway.project": project})
        self.scope = self.spool.register_scope(resource, encode.scope("trackway", "0"))

    def write(self, *payloads: bytes, flags: int = 0) -> None:
        """Leaves records in the spool, as `end` does."""
        for record in payloads:
            self.spool.append(record, self.scope, flags=flags)

    def close(self) -> None:
        """Ends the application in order."""
        self.spool.close()


def store_of(home: Path, *payloads: bytes, project: str | None = None) -> LocalStore:
    """A store of what an application, which has ended, left."""
    application = Application(home)
    application.write(*payloads)
    application.close()
    return LocalStore(home, project=project)


def start(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """A Python process of its own; it speaks on its standard output and waits on its standard input."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
