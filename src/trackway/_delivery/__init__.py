"""From an ended span to a backend: the spool on disk, and the worker that empties it.

::

    end() → spool.append → chain of segments ── reader ─→ batch → transport → policy → cursor
            (no syscall)   (owner.lock, *.seg)  (dead or alive)              (ack | keep | split | reject)

Lower half: `record` (the framing), `segment` (the file header), `writers` (mapped file, plain file, memory), `chain`
(who owns which files), `spool` (what the application's threads call), `reader`, `cursor` and `counters` (how far
delivery has come, and the sum that must always be right). Upper half: what decides and sends.
"""
