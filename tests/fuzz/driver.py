"""Runs one target under atheris, for as long as one likes: `python -m tests.fuzz.driver redact -max_total_time=300`.

A target is a file `test_<name>.py` beside this one. The suite runs its one property with hypothesis, on a few hundred
examples; here libFuzzer makes the inputs and looks at which lines they reach. A target that reads bytes says so with a
function `check(data)`; what other targets are given, hypothesis makes of the bytes.

Inputs that reach new lines are kept in `.fuzz/<name>`, one that breaks the promise in `.fuzz/<name>-crash-…`: its path
in place of a time shows what it was. Put it into the target as an `@example`, or into a test of the room at fault.
"""

import importlib
import logging
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import cast

HERE = Path(__file__).parent
LIMITS = ("-timeout=20", "-rss_limit_mb=4096", "-max_len=4096", "-len_control=0")
TARGETS = sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))


def entry(target: ModuleType) -> Callable[[bytes], object]:
    """What takes the bytes of libFuzzer."""
    if hasattr(target, "check"):
        return cast("Callable[[bytes], object]", target.check)
    (test,) = (value for name, value in vars(target).items() if name.startswith("test_"))
    return cast("Callable[[bytes], object]", test.hypothesis.fuzz_one_input)


def telling(check: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """*check*, which says with what it failed: the names and values of the target's frame."""

    def run(data: bytes) -> None:
        try:
            check(data)
        except BaseException as error:
            step = error.__traceback__
            while step is not None:
                if (
                    Path(step.tb_frame.f_code.co_filename).parent == HERE
                    and step.tb_frame.f_code is not run.__code__
                ):
                    print(step.tb_frame.f_code.co_name, step.tb_frame.f_locals, flush=True)
                step = step.tb_next
            raise

    return run


def random_seeds() -> list[bytes]:
    """What to begin with where the bytes mean nothing by themselves."""
    chosen = random.Random(7)
    return [chosen.randbytes(64 << (number % 7)) for number in range(32)]


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in TARGETS:
        sys.exit(f"which target? {', '.join(TARGETS)}; then options of libFuzzer")
    atheris = importlib.import_module(
        "atheris"
    )  # `make fuzz` installs it; no type checker knows it
    name, *options = arguments
    with atheris.instrument_imports(include=["trackway"], enable_loader_override=False):
        target = importlib.import_module(f"tests.fuzz.test_{name}")
    from trackway._core.guard import guard_settings

    guard_settings.reraise = True
    logging.getLogger("trackway").disabled = True
    corpus = HERE.parent.parent / ".fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    # Hypothesis makes little of a few bytes.
    for number, seed in enumerate(getattr(target, "SEEDS", random_seeds())):
        (corpus / f"seed-{number}").write_bytes(seed)
    # An input that broke a promise is run alone.
    alone = any(Path(option).is_file() for option in options)
    run = [name, *([] if alone else [str(corpus)]), f"-artifact_prefix={corpus}-", *LIMITS]
    atheris.Setup([*run, *options], telling(entry(target)))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
