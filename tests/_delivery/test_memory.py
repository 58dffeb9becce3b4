"""Memory holds what no disk would take, within its bound."""

from trackway._delivery.memory import MEMORY_BYTES, MemoryRing


def test_memory_is_bounded() -> None:
    """The ring never holds more than 8 MiB; the oldest go first, and each is told of."""
    ring = MemoryRing()
    payload = bytes(100_000)
    gone = sum(ring.append(b"%d" % n + payload, 1, 0, 0) for n in range(200))
    assert len(ring) + gone == 200
    assert 0.97 * MEMORY_BYTES < len(ring) * len(payload) < MEMORY_BYTES
    assert ring.take()[0].startswith(b"%d" % gone)
    assert ring.append(bytes(MEMORY_BYTES), 1, 0, 0) == 200 - gone
    assert not ring


def test_memory_is_read_before_it_is_released() -> None:
    """Records stay until they are released, and are released once, also when some had to go meanwhile."""
    ring = MemoryRing()
    for n in range(5):
        ring.append(b"%d" % n, 1, 0, 2)
    assert [r.payload for r in ring.read(1000, 3)] == [b"0", b"1", b"2"]
    first, second = ring.read(2, 100)
    assert (first.flags, second.end) == (2, 2)
    ring.take()
    assert ring.release(second.end) == 1
    assert ring.release(second.end) == 0
    assert [r.payload for r in ring.read(0, 100)] == [b"2"]
    ring.clear()
    assert ring.read(1000, 100) == []
