"""Compiles the kernels (`src/native/kernels.c`) when a wheel or an editable install is made.

Without a compiler, or with `TRACKWAY_BUILD_PURE=1`, the library is installed in pure Python: it does the same, and
costs the caller about twice as much.
"""

import os
import sysconfig
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension

NAME = "trackway._native"


class KernelsHook(BuildHookInterface):
    """Adds the compiled module to the wheel, and with it the wheel's platform tag."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Called by hatchling before it packs; *version* is "standard" or "editable"."""
        # A build of Python without a GIL has none to rely on: the kernels read mutable containers.
        without_gil = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
        if self.target_name != "wheel" or os.environ.get("TRACKWAY_BUILD_PURE") or without_gil:
            return
        editable = version == "editable"
        folder = Path(self.root, "src") if editable else Path(tempfile.mkdtemp())
        compiled = compile_to(folder, Path(self.root))
        if not compiled.exists():
            self.app.display_warning("no compiler: trackway is installed in pure Python")
        elif not editable:
            build_data["force_include"] = {str(compiled): f"trackway/{compiled.name}"}
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


def compile_to(folder: Path, root: Path) -> Path:
    """Compiles the kernels into *folder*; the path of the module, which is there if that went well."""
    source = str(root / "src" / "native" / "kernels.c")
    extension = Extension(NAME, [source], optional=True)
    made = Distribution({"name": "trackway", "ext_modules": [extension]})
    command = made.get_command_obj("build_ext")
    command.build_lib = str(folder)
    command.build_temp = tempfile.mkdtemp()
    command.ensure_finalized()
    command.run()
    return Path(command.get_outputs()[0])
