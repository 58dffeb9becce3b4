"""The clients of a process by name, and the names of the package that stand for what is loaded later."""

import pickle
import subprocess
import sys
import threading

import pytest

import trackway
from trackway import Trackway, get_client
from trackway.client import Trackway as Loaded
from trackway.errors import ConfigurationError


def test_the_default_client_is_made_once() -> None:
    """Threads that ask for the client at once all get the same one."""
    barrier, found = threading.Barrier(8), list[Trackway]()

    def ask() -> None:
        barrier.wait()
        found.append(get_client())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(map(id, found)) == {id(get_client())}


def test_the_first_client_made_on_purpose_is_the_default() -> None:
    """A client that `get_client` made from the environment gives way to the first that the application makes."""
    implicit = get_client()
    chosen = Trackway(environment="production")
    assert get_client() is chosen
    assert get_client() is not implicit


def test_an_unknown_public_key_is_refused() -> None:
    """A public key of no client is an error that names it."""
    with pytest.raises(ConfigurationError, match="pk-unknown"):
        get_client(public_key="pk-unknown")


def test_names_that_are_loaded_late_are_the_same_objects() -> None:
    """`trackway.Trackway` is the class itself, under both names, and can be pickled by reference."""
    assert trackway.Trackway is trackway.Langfuse is Loaded
    assert pickle.loads(pickle.dumps(trackway.Trackway)) is Loaded
    assert pickle.loads(pickle.dumps(trackway.get_client)) is get_client


def test_the_package_lists_every_name_before_it_is_loaded() -> None:
    """`dir(trackway)` and `from trackway import *` know the classes in an interpreter that has loaded none."""
    program = (
        "import sys, trackway\n"
        "assert set(trackway.__all__) <= set(dir(trackway))\n"
        "assert 'trackway.client' not in sys.modules\n"
        "from trackway import *\n"
        "print(Trackway.__name__, Langfuse.__name__, Observation.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["Trackway", "Trackway", "Observation"]


def test_a_name_that_is_not_there() -> None:
    """Asking for a name that does not exist raises what Python raises."""
    with pytest.raises(AttributeError, match="module 'trackway' has no attribute 'nothing'"):
        _ = getattr(trackway, "nothing")  # noqa: B009 - type checkers know that it is not there
    assert not hasattr(trackway, "__path_of_nothing__")
