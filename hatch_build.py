"""Compiles the kernels (`src/native/kernels.c`) when a wheel or an editable install is made.

Without a compiler, or with `TRACKWAY_BUILD_PURE=1`, the library is installed in pure Python: it does the same, and
costs the caller about twice as much. `trackway doctor` says which of the two it is.
"""

import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension

NAME = "trackway._native"


class KernelsHook(BuildHookInterface):
    """Adds the compiled module to the wheel, and with it the wheel's platform tag."""

    made = ""
    """The folder that a wheel's module is compiled into."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Called by hatchling before it packs; *version* is "standard" or "editable"."""
        if self.target_name != "wheel":
            return
        editable = version == "editable"
        if editable:
            folder = Path(self.root, "src")
            # What an earlier install left there may be of other code.
            suffix = sysconfig.get_config_var("EXT_SUFFIX")
            (folder / "trackway" / f"_native{suffix}").unlink(missing_ok=True)
        else:
            folder = Path(tempfile.mkdtemp())
            self.made = str(folder)
        if why := reason_for_pure():
            self.app.display_info(f"{why}: trackway is installed in pure Python")
            return
        compiled = compile_to(folder, Path(self.root))
        if not compiled.exists():
            self.app.display_warning("no working C compiler: trackway is installed in pure Python")
        elif not editable:
            build_data["force_include"] = {str(compiled): f"trackway/{compiled.name}"}
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def finalize(  # hatchling's signature
        self,
        version: str,  # noqa: ARG002 - as above
        build_data: dict[str, object],  # noqa: ARG002 - as above
        artifact_path: str,  # noqa: ARG002 - as above
    ) -> None:
        """Called by hatchling when the wheel is written."""
        if self.made:
            shutil.rmtree(self.made, ignore_errors=True)


def reason_for_pure() -> str:
    """Why the kernels are not compiled; empty if they are to be."""
    if os.environ.get("TRACKWAY_BUILD_PURE", "0") not in {"", "0"}:
        return "TRACKWAY_BUILD_PURE is set"
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} compiles while it runs"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "this Python has no GIL, and the kernels rely on it"
    return ""


def compile_to(folder: Path, root: Path) -> Path:
    """Compiles the kernels into *folder*; the path of the module, which is there if that went well."""
    source = str(root / "src" / "native" / "kernels.c")
    extension = Extension(NAME, [source], optional=True)
    made = Distribution({"name": "trackway", "ext_modules": [extension]})
    command = made.get_command_obj("build_ext")
    command.build_lib = str(folder)
    with tempfile.TemporaryDirectory() as objects:
        command.build_temp = objects
        command.ensure_finalized()
        command.run()
    return Path(command.get_outputs()[0])
