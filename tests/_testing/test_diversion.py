"""Diversions: every client of the process, and everything put back."""

from trackway import Trackway
from trackway import client as clients
from trackway._testing.diversion import Diversion
from trackway._testing.recorder import Recorder


def state(client: Trackway) -> list[object]:
    """What a diversion exchanges."""
    provider = client._provider
    scopes = [(scope.destinations, scope.targets) for scope in provider._scopes.values()]
    return [
        provider.scope,
        provider._destinations,
        provider._handles,
        provider.enabled,
        client._core.captured,
        *scopes,
    ]


def test_everything_is_put_back() -> None:
    """After the end providers, scopes and handles are the ones from before, for clients that are off as well."""
    on, off = Trackway(), Trackway(enabled=False)
    on._provider.get_tracer("foreign")
    before = state(on), state(off)
    diversion = Diversion(Recorder(deterministic=True))
    diversion.begin()
    assert on._provider.enabled
    assert off._provider.enabled
    assert state(on) != before[0]
    diversion.end()
    assert (state(on), state(off)) == before
    assert clients.witnesses == []


def test_a_tracer_of_inside_leads_out_afterwards() -> None:
    """A tracer that was made inside writes to the client's own destinations after the end."""
    client = Trackway()
    diversion = Diversion(Recorder(deterministic=True))
    diversion.begin()
    client._provider.get_tracer("foreign")
    diversion.end()
    (scope,) = (s for s in client._provider._scopes.values() if s is not client._provider.scope)
    assert [d for d, _ in scope.destinations] == list(client._provider._destinations)


def test_a_client_that_was_shut_down_stays_so() -> None:
    """What has ended for good is not diverted, and does not come back."""
    client = Trackway()
    client.shutdown()
    recorder = Recorder(deterministic=True)
    diversion = Diversion(recorder)
    diversion.begin()
    client.create_event(name="late")
    diversion.end()
    assert list(recorder.recorded()) == []
