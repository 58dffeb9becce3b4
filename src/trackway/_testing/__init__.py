"""What `trackway.testing` is made of: observations go into memory, and come back as plain dictionaries.

::

    diversion → every client's provider writes to → recorder (OTLP bytes, in memory) → reading → dictionaries
"""
