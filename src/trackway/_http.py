"""HTTP for everything but the exporter: bounded requests that ask a destination about itself."""

from typing import Final

import httpx

from trackway._core.backend import Remote
from trackway._core.log import warn

TIMEOUT: Final = 3.0

_projects: Final[dict[tuple[str, str], str]] = {}


def langfuse_project(remote: Remote) -> str | None:
    """The id of the project that the keys belong to; asked for once, then remembered. None where it cannot be had."""
    key = (remote.base, remote.key)
    if key not in _projects:
        answer = _get(remote, f"{remote.base}/api/public/projects")
        if answer is None or answer.status_code != httpx.codes.OK:
            return None
        try:
            _projects[key] = str(answer.json()["data"][0]["id"])
        except (ValueError, KeyError, IndexError, TypeError):
            warn("projects", "%s answered with something that is no list of projects", remote.base)
            return None
    return _projects[key]


def accepts(remote: Remote) -> bool:
    """Whether the destination answers and accepts the credentials."""
    if remote.kind == "langfuse":
        answer = _get(remote, f"{remote.base}/api/public/projects")
        return answer is not None and answer.status_code == httpx.codes.OK
    # An OTLP endpoint has nothing to ask: an export of nothing is the smallest request that is checked.
    try:
        headers = {**dict(remote.headers), "Content-Type": "application/x-protobuf"}
        answer = httpx.post(remote.url, content=b"", headers=headers, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        _unreachable(remote, error)
        return False
    return answer.is_success


def _get(remote: Remote, url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, headers=dict(remote.headers), timeout=TIMEOUT)
    except httpx.HTTPError as error:
        _unreachable(remote, error)
        return None


def _unreachable(remote: Remote, error: httpx.HTTPError) -> None:
    warn(
        "unreachable",
        "%s (%s) cannot be reached: %s",
        remote.base,
        remote.setting,
        type(error).__name__,
    )
