"""The two of each kernel: what is compiled, and the Python that does the same."""

import importlib.util
import sys
from types import ModuleType
from typing import Protocol

import pytest

from trackway._wire import native
from trackway._wire.native import Kernels, kernels

SWITCHED_OFF = sys.modules.get("trackway._native", sys) is None
"""Whether this run of the suite does without the kernels, on purpose (tests/pure)."""


class Kernel(Protocol):
    """A kernel that takes whatever a test hands over."""

    def __call__(self, *given: object) -> object: ...


def compiled() -> Kernels:
    """The kernels; the tests of the calling module are skipped where there are none to compare."""
    if kernels is None:
        pytest.skip("the kernels are not compiled", allow_module_level=True)
    return kernels


def in_python(name: str) -> ModuleType:
    """The module *name* a second time, as it is where no kernels are."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "kernels", None)
        spec.loader.exec_module(module)
    assert module.kernels is None
    return module
