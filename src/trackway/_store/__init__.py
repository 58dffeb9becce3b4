"""The embedded store: what applications left in the local spool, as rows that answer questions.

::

    spool/local/<chain> ─ inbox ─→ normalize ─→ parts/*.parquet ─→ engine ─→ query ─→ models
                          (tail)   (one row a    (registered in      (SQL)    (filters)  (Trace, User …)
                                    span)         state.sqlite)

Applications only append to the spool; whoever reads, ingests first. `local.LocalStore` is the door to this room.
"""
