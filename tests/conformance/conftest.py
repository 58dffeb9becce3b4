"""Servers for the tests of this folder; without `--conformance` they are skipped, and the report says so."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance import servers


@pytest.fixture(autouse=True, scope="session")
def asked(request: pytest.FixtureRequest) -> None:
    """Servers of a gigabyte start only for who asks for them."""
    if not request.config.getoption("--conformance"):
        pytest.skip("real backends: `make conformance` installs, starts and asks them")


@pytest.fixture(scope="session")
def phoenix(asked: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Phoenix."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(servers.phoenix(tmp_path_factory.mktemp("phoenix")))
        except servers.Unavailable as why:
            pytest.skip(str(why))
        yield url


@pytest.fixture(scope="session")
def mlflow(asked: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(servers.mlflow(tmp_path_factory.mktemp("mlflow")))
        except servers.Unavailable as why:
            pytest.skip(str(why))
        yield url
