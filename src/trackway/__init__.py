"""Tells, for every LLM call of an application, who it was for, what happened and what it cost."""
