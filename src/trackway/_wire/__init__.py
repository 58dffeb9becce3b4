"""OTLP as bytes: what a span is called (`attributes`), how it is written (`encode`) and read (`decode`).

::

    encode.span(…) → one field of ScopeSpans.spans: tag 0x12, length, Span     "payload": what the spool keeps
    b"".join(payloads), behind a scope and a resource → encode.request(…)      what a backend is sent
    decode.decode_request(body), decode.decode_span(payload)                   what a reader gets back

Protobuf fields concatenate, so nothing here builds objects: a message is its fields, joined. This package imports
nothing else of the library, and no protobuf runtime.
"""
