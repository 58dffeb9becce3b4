"""A program that marks where it only traces, for who lists its system calls: `python tests/torture/quiet.py WINDOWS`.

Between two windows it rests, as an application does that waits for a model: the worker then makes the next file ahead.
"""

import os
import sys
import threading
from contextlib import suppress

from trackway import get_client, observe, propagate_attributes

BEGIN, END = "/trackway/begin", "/trackway/end"
CALLS = 10
REST_S = 0.05


@observe
def retrieve(question: str) -> list[str]:
    return [question] * 3


@observe(as_type="generation")
def answer(question: str, *, temperature: float) -> dict[str, object]:
    get_client().update_current_generation(model="m", usage_details={"input": 12, "output": 3})
    return {"found": retrieve(question), "temperature": temperature}


def window() -> None:
    for number in range(CALLS):
        with propagate_attributes(user_id="alice", session_id="s"):
            answer(f"question {number} " + "x" * 500, temperature=0.5)


def mark(name: str) -> None:
    with suppress(OSError):
        os.stat(name)  # noqa: PTH116 - a system call that stands out


if __name__ == "__main__":
    pace = threading.Event()
    # Until the segments have their full size.
    for _ in range(60):
        window()
    for _ in range(int(sys.argv[1])):
        pace.wait(REST_S)
        mark(BEGIN)
        window()
        mark(END)
