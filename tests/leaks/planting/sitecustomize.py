"""With this folder in PYTHONPATH, every Python that is started plants secrets, with debug logging on (`make leaks`).

Each observation gets secrets as an application may have them, by its own methods and before it is written: metadata,
input of a tool call, attributes, an event. Each remote destination gets a secret header, the environment keys of
others. Clients whose redaction is off are left alone: there secrets are recorded on purpose.
"""

import contextlib
import dataclasses
import importlib.abc
import importlib.machinery
import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from trackway._core.backend import Remote
    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider
    from trackway._core.remotes import Chooser

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT))

from tests.leaks.planted import ENVIRONMENT, HEADER, NAMED, SHAPED  # noqa: E402 - from where it is

_turns = itertools.cycle(SHAPED.values())


def plant(observation: "Observation") -> None:
    """What an application may record of a secret."""
    shape = next(_turns)
    observation._ended = False
    observation.update(
        metadata={"note": f"use {shape} please", "settings": dict(NAMED)},
        status_message=f"called with {shape}",
    )
    if observation._input is None:
        arguments = json.dumps(NAMED)
        observation.update(input={"arguments": arguments, "text": [shape]})
    observation.set_attribute("http.request.header.authorization", f"Bearer {shape}")
    observation.add_event("sent", {"with": shape, "db.password": NAMED["password"]})
    observation._ended = True


def into_provider(module: ModuleType) -> None:
    """Observations are planted when they end."""
    provider_type = cast("type[TracerProvider]", module.TracerProvider)
    record = provider_type.record

    def planting(self: "TracerProvider", o: "Observation", end: int) -> None:
        if self.redacts and o._recording and not o._handle:
            plant(o)
        record(self, o, end)

    provider_type.record = planting  # type: ignore[method-assign]  # on purpose


def into_remotes(module: ModuleType) -> None:
    """Destinations get a header."""
    chooser = cast("type[Chooser]", module.Chooser)
    choose = chooser.choose

    def planting(self: "Chooser", project: str) -> "Remote | None":
        remote = choose(self, project)
        if remote is None or remote.kind == "exporter":
            return remote
        return dataclasses.replace(remote, headers=(*remote.headers, ("x-planted", HEADER)))

    chooser.choose = planting  # type: ignore[method-assign]  # on purpose


PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "trackway._core.provider": into_provider,
    "trackway._core.remotes": into_remotes,
}


class Planting(importlib.abc.MetaPathFinder):
    """Finds the modules above as they are found anyway, and plants once they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        into = PATCHES.get(name)
        if into is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            loader = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                into(module)

            loader.exec_module = exec_module  # type: ignore[method-assign]  # on purpose
        return spec


sys.meta_path.insert(0, Planting())
for variable, value in ENVIRONMENT.items():
    os.environ.setdefault(variable, value)
if folder := os.environ.get("LEAKS"):
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    with contextlib.suppress(OSError):
        root.addHandler(logging.FileHandler(Path(folder) / f"debug-{os.getpid()}.log"))
