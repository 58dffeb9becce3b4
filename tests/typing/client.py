"""What type checkers must see of the client and of observations; nothing here runs."""

from typing import assert_type

from trackway import Observation, Trackway, get_client, set_user


def the_client_is_typed() -> None:
    assert_type(get_client(), Trackway)
    assert_type(get_client(public_key="pk"), Trackway)
    client = Trackway(endpoint="http://127.0.0.1:4318", sample_rate=0.5)
    assert_type(client.flush(timeout=1.0), bool)
    assert_type(client.shutdown(), bool)
    assert_type(client.create_trace_id(seed="a"), str)
    assert_type(client.get_current_trace_id(), str | None)
    assert_type(client.get_current_observation_id(), str | None)


async def the_client_flushes_beside_an_event_loop() -> None:
    assert_type(await get_client().aflush(), bool)


def observations_are_typed() -> None:
    client = get_client()
    with client.start_as_current_observation(name="root", as_type="agent", input={"a": 1}) as root:
        assert_type(root, Observation)
        child = root.start_observation(name="answer", as_type="generation", model="gpt-4o")
        assert_type(child, Observation)
        assert_type(
            child.update(output="…", usage_details={"input": 3}, cost_details={"total": 0.1}),
            Observation,
        )
        assert_type(child.id, str)
        assert_type(child.trace_id, str)
        child.end()
        root.score(name="quality", value=0.9)
    set_user("u", session_id="s")
    handle = client.trace(name="chat", user_id="u", tags=["a"])
    assert_type(
        handle.generation(name="answer", model="gpt-4o", usage={"input": 1, "output": 2}),
        Observation,
    )


def wrong_words_are_refused() -> None:
    client = get_client()
    client.start_observation(name="a", as_type="oracle")  # type: ignore[arg-type]
    client.start_observation(name="a", level="LOUD")  # type: ignore[arg-type]
    Trackway(sample_rates=1.0)  # type: ignore[call-arg]
