"""The kernels are there where they can be."""

import os
import shutil
import sys
import sysconfig

from tests import twins
from trackway._wire.native import kernels

# Read before any test: a test sees no setting of the machine.
BUILT_PURE = os.environ.get("TRACKWAY_BUILD_PURE", "0") not in {"", "0"}


def has_a_compiler() -> bool:
    command = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(os.environ.get("CC", command).split()[0]) is not None


def test_the_kernels_are_compiled_where_a_compiler_is() -> None:
    """An environment with a compiler has the kernels, unless this run is without them on purpose."""
    without_gil = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    if twins.SWITCHED_OFF:
        assert kernels is None
    elif (
        has_a_compiler()
        and sys.implementation.name == "cpython"
        and not (BUILT_PURE or without_gil)
    ):
        assert kernels is not None, "installed without the kernels, though a compiler is here"
