"""Tracing of other people's libraries: one package each."""
