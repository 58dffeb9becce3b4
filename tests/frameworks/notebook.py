"""Runs cells in a Jupyter kernel, then kills it: `python notebook.py`, in the kernel's environment."""

import os

from jupyter_client.manager import start_new_kernel

IMPORTS = """
import asyncio
from tests.frameworks.application import answer, retrieve
from trackway import observe, propagate_attributes
"""
STREAM = "said = ''.join(answer('alice'))"
AWAIT = """
@observe(name="request")
async def ask(user):
    await asyncio.sleep(0)
    return retrieve(user)

with propagate_attributes(user_id="bob"):
    await asyncio.gather(ask("bob"), ask("bob"))
"""
AFTERWARDS = "retrieve('nobody')"


def main() -> None:
    manager, client = start_new_kernel(kernel_name="python3", env=dict(os.environ))
    try:
        for cell in (IMPORTS, STREAM, AWAIT, AFTERWARDS):
            reply = client.execute_interactive(cell, timeout=60, output_hook=lambda _: None)
            assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
