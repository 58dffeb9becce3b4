"""Blocks are entered by `with` and by `async with` alike."""

import asyncio
from pathlib import Path

import pytest

from tests.spans import only
from trackway import Trackway, extract, propagate_attributes


@pytest.mark.parametrize("kind", ["propagation", "extraction"])
def test_async_with_is_with(home: Path, client: Trackway, kind: str) -> None:
    """What `async with` gives, does and ends is what `with` does."""
    block = (
        propagate_attributes(user_id="alice")
        if kind == "propagation"
        else extract({"baggage": "langfuse_user_id=alice"}, accept_baggage=True)
    )

    async def request() -> None:
        async with block as given:
            assert given is block
            client.create_event(name="inside")
        client.create_event(name="outside")

    asyncio.run(request())
    assert only(home, "inside").attributes["user.id"] == "alice"
    assert "user.id" not in only(home, "outside").attributes


def test_an_observation_ends_with_its_async_block(home: Path, client: Trackway) -> None:
    """`async with` of an observation gives it, and an error inside is recorded and goes on its way."""

    async def request() -> None:
        async with client.start_as_current_observation(name="o") as observation:
            assert client.get_current_observation_id() == observation.id
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(request())
    assert only(home).status_code == 2
