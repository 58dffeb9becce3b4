"""LangChain and LangGraph: each run that their callbacks tell of becomes an observation.

| concern | file |
|---|---|
| the callbacks | `handler.py` |
| what a run records at its start | `starting.py` |
| and later | `recording.py` |
| which runs are open, which parent each has, and how those end that nobody ends | `runs.py` |
| how those end of whose end LangChain tells nobody | `lifetimes.py` |
| where in the application we are: the run around, the run that records a provider's call | `around.py` |
| users, sessions, tags and the rest of a run's configuration | `configuration.py` |
| kind and name of a run | `kinds.py` |
| messages, documents, tool calls, as people read them | `messages.py` |
| model, provider, parameters | `models.py` |
| tokens, hits of LangChain's own cache | `tokens.py` |
| what an error means | `outcomes.py` |
"""
