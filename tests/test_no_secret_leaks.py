"""No secret that passes through the library is found in anything that it writes: files, log lines, errors, output.

Secrets are planted wherever an application may have one: in inputs, outputs, metadata, names, tags, exceptions and
attributes, in headers and keys of the settings, and in the answers of a backend that repeats what it was sent.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests._core.vendors import shaped
from tests.backend import Backend, Connection, Request
from trackway import Trackway
from trackway.errors import ConfigurationError

r = random.Random(2026)
SHAPED = {vendor: make(r) for vendor, make in shaped().items()}
# Without a shape: only their names tell them.
NAMED = {
    name: "".join(r.choices("abcdefghjkmnpqrstuvwxyz23456789", k=24))
    for name in ("api_key", "password", "token")
}
HEADER, SECRET_KEY = "hdr5ecretV4lueQ7x9", "sk-lf-" + "".join(r.choices("0123456789abcdef", k=32))

APPLICATION = """
import json, logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from trackway import get_client, observe, propagate_attributes, set_user
shaped, named = json.loads(os.environ["PLANTED"])
client = get_client()

@observe(as_type="tool")
def tool(arguments, **more):
    client.update_current_span(metadata={"note": arguments, **named}, status_message=f"got {arguments}")
    return {"answer": [arguments, json.dumps(named)], **named}

@observe
def fails(text):
    raise ValueError(f"cannot use {text} with " + " ".join(f"{k}={v}" for k, v in named.items()))

for vendor, secret in shaped.items():
    short = secret[:199]
    with propagate_attributes(user_id="alice", tags=[short], metadata={"key": short}, trace_name=short):
        tool(f"use {secret} please", **named)
        try:
            fails(secret)
        except ValueError:
            pass
        with client.start_as_current_observation(name=f"call {secret}", model=secret, input=[secret, named]) as o:
            o.set_attribute("http.header", secret)
            o.add_event("sent", {"with": secret})
            o.score(name="n", value=1, comment=f"because of {secret}", metadata=named)
            o.record_exception(RuntimeError(secret))
        client.trace(name="low", input=secret, metadata=named).generation(name="g", output=secret)
print(client.flush(20), client.stats())
"""
COMMANDS = (
    ["doctor"], ["spool"], ["spool", "rejected"], ["users"], ["traces"], ["user", "alice"], ["traces", "--json"],
)  # fmt: skip


def repeats(connection: Connection, request: Request) -> bool:
    """A backend that refuses, and says in its answer what it was sent."""
    connection.reply(400, f"bad request with {request.headers}".encode())
    return True


def in_files(directory: Path) -> Iterator[tuple[str, bytes]]:
    for path in directory.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


def planted(settings: Mapping[str, str]) -> dict[str, bytes]:
    """What must not be found: the ends, which tell secrets from their like."""
    secrets = {**SHAPED, **NAMED, **settings}
    return {name: secret[-14:].encode() for name, secret in secrets.items()}


@pytest.mark.parametrize("kind", ["endpoint", "langfuse"])
def test_no_secret_in_anything_that_is_written(home: Path, kind: str) -> None:
    """After a run with debug logging on and a backend that repeats headers, no planted secret is found anywhere."""
    import json

    with Backend(repeats) as backend:
        settings = (
            {
                "TRACKWAY_ENDPOINT": backend.url,
                "TRACKWAY_HEADERS": f"Authorization=Bearer {HEADER},x-key={HEADER}",
            }
            if kind == "endpoint"
            else {
                "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
                "LANGFUSE_SECRET_KEY": SECRET_KEY,
                "LANGFUSE_HOST": backend.url,
            }
        )
        env = {
            **{name: value for name, value in os.environ.items() if name != "PLANTED"},
            **settings,
            "TRACKWAY_LOCAL": "true",
            "PLANTED": json.dumps([SHAPED, NAMED]),
        }
        done = [_ran([sys.executable, "-c", APPLICATION], env)]
        written = list(in_files(home))
        del env["PLANTED"]
        for command in COMMANDS:
            done.append(_ran([sys.executable, "-m", "trackway._cli.main", *command], env))
    written += in_files(home)
    written += [(f"output of {run.args[1:]}", run.stdout + run.stderr) for run in done]
    assert sum(len(data) for _, data in written) > 1_000_000
    found = {
        (name, where)
        for name, end in planted({"header": HEADER, "secret key": SECRET_KEY}).items()
        for where, data in written
        if end in data
    }
    assert found == set()


def _ran(command: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, env=env, capture_output=True, timeout=100, check=False)


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": f"https://user:{SECRET_KEY}@example.com"},
        {"headers": f"Authorization: Bearer {SECRET_KEY}=="},
        {"headers": {"authorization": f"Bearer {SECRET_KEY}\n"}},
        {"public_key": "pk", "secret_key": f"{SECRET_KEY} "[::-1] + "\n é"},
        {"public_key": "pk", "secret_key": SECRET_KEY, "endpoint": "http://localhost"},
        {"secret_key": SECRET_KEY},
    ],
    ids=str,
)
def test_no_secret_in_the_error_of_a_wrong_setting(settings: Mapping[str, object]) -> None:
    """A `ConfigurationError` names the setting, not the secret that it holds."""
    with pytest.raises(ConfigurationError) as raised:
        Trackway(**settings)  # type: ignore[arg-type]  # on purpose
    assert SECRET_KEY[-14:] not in str(raised.value)
    assert SECRET_KEY[-14:] not in repr(raised.value.__context__)
