"""Tracing of LangChain and LangGraph: give `CallbackHandler()` to a call, or to a constructor.

Works with the `langchain-core` 1.x that the application has; it is no dependency of trackway.
"""

try:
    from trackway._integrations.langchain.handler import CallbackHandler
except ModuleNotFoundError as error:
    message = f"trackway.langchain needs LangChain: pip install 'langchain-core>=1' ({error})"
    raise ImportError(message) from error

__all__ = ["CallbackHandler"]
