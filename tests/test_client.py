"""The client: which one is used, what several of them share, and how one ends."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.backend import Backend, Connection, Request, ok
from tests.spans import only, spans
from trackway import Langfuse, Trackway, get_client, observe
from trackway._core import fork
from trackway._http import _projects
from trackway.errors import ConfigurationError, ReadNotAvailable

NOWHERE = "http://127.0.0.1:9"


# -- which one ---------------------------------------------------------------------------------------------------------


def test_the_first_client_is_the_default(home: Path) -> None:
    """`get_client()` gives the first client that was made, and a bare `@observe` uses it."""
    first = Trackway(environment="first")
    Trackway(environment="second")
    assert get_client() is first
    assert get_client() is get_client()
    observe(name="o")(lambda: None)()
    assert only(home).attributes["langfuse.environment"] == "first"


def test_without_a_client_one_is_made(home: Path) -> None:
    """`get_client()` makes one from the environment; one that is made on purpose later takes its place."""
    implicit = get_client()
    assert get_client() is implicit
    explicit = Trackway(environment="explicit")
    assert get_client() is explicit
    assert Trackway(environment="another") is not get_client()


def test_equal_settings_share_everything(home: Path) -> None:
    """Clients of equal settings share provider and delivery; other settings make another client."""
    assert Trackway()._core is Trackway()._core is Trackway(sample_rate=1.0)._core
    assert Trackway(release="r")._core is not Trackway()._core
    assert Langfuse is Trackway


def test_a_second_client_disables_nobody(home: Path, tmp_path: Path) -> None:
    """Each of two clients records into its own place, one beside the other."""
    first, second = Trackway(), Trackway(directory=tmp_path / "second")
    first.create_event(name="to the first")
    second.create_event(name="to the second")
    observe(name="decorated")(lambda: None)()
    assert [s.name for s in spans(home)] == ["to the first", "decorated"]
    assert [s.name for s in spans(tmp_path / "second")] == ["to the second"]


def test_a_trace_stays_with_the_client_in_which_it_began(home: Path, tmp_path: Path) -> None:
    """Below an observation of the second client, decorated functions are the second client's."""
    Trackway()
    second = Trackway(directory=tmp_path / "second")
    with second.start_as_current_observation(name="root"):
        observe(name="decorated")(lambda: None)()
    assert {s.name for s in spans(tmp_path / "second")} == {"root", "decorated"}
    assert spans(home) == []


def test_a_client_is_selected_by_its_key(home: Path) -> None:
    """`get_client(public_key=…)` and the special argument of a call select the client with that key."""
    Trackway()
    other = Trackway(public_key="pk-2", secret_key="sk", base_url=NOWHERE, local=True, project="p")
    assert get_client(public_key="pk-2") is other

    @observe
    def call(**more: object) -> None: ...

    call(trackway_public_key="pk-2")
    (local,) = (s for s in other.stats().destinations if s.destination == "local")
    assert local.ended == 1
    with pytest.raises(ConfigurationError, match="pk-3") as raised:
        get_client(public_key="pk-3")
    assert raised.value.setting == "public_key"


def test_the_first_calls_may_come_at_once(home: Path) -> None:
    """Threads whose first calls come at once all wait for the one client: none runs untraced."""
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait(30)
        observe(name="o")(lambda: None)()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spans(home)) == 8


@pytest.mark.parametrize("hook", ["mask", "sample"])
def test_a_hook_that_cannot_be_called_is_an_error(hook: str) -> None:
    """What is no function is refused when the client is made."""
    with pytest.raises(ConfigurationError, match="cannot be called") as raised:
        Trackway(**{hook: "text"})  # type: ignore[arg-type]  # on purpose
    assert raised.value.setting == hook


# -- how one ends ------------------------------------------------------------------------------------------------------


def test_after_a_shutdown_another_can_be_made(home: Path) -> None:
    """`shutdown` ends a client for good; a new one of the same settings is a new one, and the default."""
    first = Trackway()
    first.create_event(name="first")
    assert first.shutdown()
    assert first.shutdown()
    observe(name="a new default")(lambda: None)()
    second = Trackway()
    assert second._core is not first._core
    first.create_event(name="too late")
    second.create_event(name="second")
    assert sorted(s.name for s in spans(home)) == ["a new default", "first", "second"]


def test_the_shutdown_of_one_leaves_the_others(home: Path, tmp_path: Path) -> None:
    """The other clients of a process go on."""
    first, second = Trackway(), Trackway(directory=tmp_path / "second")
    second.shutdown()
    first.create_event(name="e")
    assert get_client() is first
    assert len(spans(home)) == 1


def test_a_flush_works_inside_an_event_loop(home: Path) -> None:
    """`flush` and `aflush` may be called in a coroutine."""
    client = Trackway()

    async def main() -> tuple[bool, bool]:
        client.create_event(name="e")
        return client.flush(), await client.aflush()

    assert asyncio.run(main()) == (True, True)


def test_a_flush_works_in_a_forked_child(home: Path) -> None:
    """A child may observe and flush, and so may its parent afterwards."""
    client = Trackway()
    client.create_event(name="before")
    client.flush()
    pid = os.fork()
    if pid == 0:
        client.create_event(name="child")
        os._exit(0 if client.flush(10) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    client.create_event(name="after")
    assert client.flush()
    assert sorted(s.name for s in spans(home)) == ["after", "before", "child"]


AT_EXIT = """
import atexit
from trackway import get_client, observe
def last():
    observe(name="last")(lambda: None)()
    print(get_client().flush(10), flush=True)
if %d: atexit.register(last)
client = get_client()
client.create_event(name="first")
if not %d: atexit.register(last)
"""


@pytest.mark.parametrize("early", [1, 0])
def test_a_flush_works_in_an_exit_handler(home: Path, early: int) -> None:
    """An atexit handler of the application may observe and flush, in whatever order the handlers run."""
    run = [sys.executable, "-c", AT_EXIT % (early, early)]
    told = subprocess.run(run, capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"
    assert told.stderr == ""
    assert "first" in {s.name for s in spans(home)}


def test_a_flush_says_when_it_ran_out_of_time(home: Path) -> None:
    """With a backend that is not there, `flush` is False after its time; what waits stays in the spool."""
    client = Trackway(endpoint=NOWHERE)
    client.create_event(name="e")
    assert client.flush(0.2) is False
    (stats,) = client.stats().destinations
    assert (stats.ended, stats.in_spool) == (1, 1)


def test_off_means_no_files_and_no_threads(home: Path) -> None:
    """A client that is off does nothing, and says so."""
    client = Trackway(enabled=False)
    before = threading.active_count()
    with client.start_as_current_observation(name="o") as observation:
        observation.update(output=1).score(name="n", value=1)
        assert observation.is_recording() is False
    client.trace(name="t").generation(name="g").end()
    assert client.flush()
    assert client.auth_check() is False
    assert client.shutdown()
    assert threading.active_count() == before
    assert not home.exists()
    with pytest.raises(ReadNotAvailable):
        Trackway(enabled=False).stats()


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "encoded"),
    [
        ("alice", "alice"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("alice@example.com", "alice%40example.com"),
        ("用户 1", "%E7%94%A8%E6%88%B7%201"),
        ("\ud800", "%3F"),
    ],
    ids=ascii,
)
def test_a_users_address_is_percent_encoded(home: Path, user: str, encoded: str) -> None:
    """Whatever a user id holds, its address is one path of the local page."""
    client = Trackway(project="a b")
    assert client.get_user_url(user) == f"http://127.0.0.1:4319/project/a%20b/users/{encoded}"


def test_a_traces_address(home: Path) -> None:
    """The current trace's by default; None where there is none, or where nothing shows it."""
    client = Trackway(project="p")
    assert client.get_trace_url() is None
    with client.start_as_current_observation(name="o") as o:
        assert client.get_trace_url() == f"http://127.0.0.1:4319/project/p/traces/{o.trace_id}"
    assert Trackway(endpoint=NOWHERE).get_trace_url("ab" * 16) is None


def _projects_of(connection: Connection, request: Request) -> bool:
    assert request.line.startswith("GET /api/public/projects ")
    connection.reply(200, b'{"data": [{"id": "p/1"}]}')
    return True


def _refuse(connection: Connection, request: Request) -> bool:
    connection.reply(401, b"{}")
    return True


def test_addresses_at_langfuse(home: Path) -> None:
    """The project's id is asked for once, with the keys; where it cannot be had there is no address, and a warning."""
    with Backend(_projects_of) as backend:
        client = Trackway(public_key="pk", secret_key="sk", base_url=backend.url)
        for _ in range(2):
            url = client.get_user_url("alice")
            assert url == f"{backend.url}/project/p%2F1/users/alice"
        assert len(backend.requests) == 1
        assert backend.requests[0].headers["authorization"].startswith("Basic ")
        assert client.auth_check() is True
    _projects.clear()
    with Backend(_refuse) as backend:
        client = Trackway(public_key="pk", secret_key="sk", base_url=backend.url)
        assert client.get_user_url("alice") is None
        assert client.auth_check() is False


def test_credentials_can_be_checked(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`auth_check` asks the endpoint, and is False where nobody answers; the local store always accepts."""
    with Backend(ok()) as backend:
        assert Trackway(endpoint=backend.url).auth_check() is True
    with Backend(_refuse) as backend:
        assert Trackway(endpoint=backend.url).auth_check() is False
    assert Trackway(endpoint=NOWHERE).auth_check() is False
    assert "cannot be reached" in caplog.text
    assert Trackway().auth_check() is True


# -- reading -----------------------------------------------------------------------------------------------------------


def test_what_is_not_kept_locally_cannot_be_read(home: Path) -> None:
    """Without a local copy reads say which setting would give one."""
    client = Trackway(endpoint=NOWHERE)
    for read in (client.get_traces, lambda: client.users, lambda: client.traces):
        with pytest.raises(ReadNotAvailable, match="TRACKWAY_LOCAL") as raised:
            read()
        assert raised.value.setting == "local"


def test_without_the_extra_reads_say_what_to_install(home: Path) -> None:
    """Where `trackway[local]` is not installed, recording works, and a read names the extra."""
    program = (
        "import sys; sys.modules['duckdb'] = None\n"
        "from trackway import get_client\n"
        "from trackway.errors import ReadNotAvailable\n"
        "client = get_client(); client.create_event(name='e')\n"
        "try: client.get_traces()\n"
        "except ReadNotAvailable as error: print(error)\n"
    )
    run = [sys.executable, "-c", program]
    told = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True)
    assert "trackway[local]" in told.stdout
    assert len(spans(home)) == 1


def test_what_was_recorded_can_be_read(home: Path) -> None:
    """Traces and users are found as soon as the observation has ended; an open handle is shown as it is."""
    client = Trackway()
    with client.start_as_current_observation(name="request"):
        pass
    handle = client.trace(name="chat", user_id="alice")
    assert {trace.name for trace in client.get_traces()} == {"request", "chat"}
    assert {user.user_id for user in client.users.list()} == {"alice", None}
    handle.end()


@pytest.mark.parametrize("enabled", [True, False])
def test_a_client_that_is_shut_down_leaves_no_hook(home: Path, *, enabled: bool) -> None:
    """What is called in a forked child is what was called before the client was there."""
    before = list(fork._hooks)
    client = Trackway(enabled=enabled)
    client.trace(name="open")
    assert fork._hooks != before
    client.shutdown()
    assert fork._hooks == before
