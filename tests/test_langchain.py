"""The public module for LangChain: what it gives, and what it asks for."""

import subprocess
import sys

import trackway.langchain


def test_the_handler_is_all_there_is() -> None:
    """The module exports the handler, under the name that the Langfuse SDK has for it."""
    assert trackway.langchain.__all__ == ["CallbackHandler"]


def test_without_langchain_it_says_what_is_missing() -> None:
    """Where LangChain is not installed the import fails with what to install."""
    program = "import sys; sys.modules['langchain_core'] = None; import trackway.langchain"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'langchain-core>=1'" in done.stderr


def test_langgraph_is_not_needed() -> None:
    """The handler loads nothing of LangGraph."""
    program = "import sys, trackway.langchain; print([m for m in sys.modules if 'langgraph' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
