"""With this folder in PYTHONPATH, every Python that is started does without the compiled kernels (`make test`)."""

import sys

sys.modules["trackway._native"] = None  # type: ignore[assignment]  # "there is no such module", as an import says it
