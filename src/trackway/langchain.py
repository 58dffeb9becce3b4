"""Tracing of LangChain and LangGraph: give `CallbackHandler()` to a call, or to a constructor.

Works with the `langchain-core` 1.x that the application has; it is no dependency of trackway.
"""

from trackway._integrations.langchain.handler import CallbackHandler

__all__ = ["CallbackHandler"]
