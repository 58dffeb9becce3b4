"""The plugin for pytest: the fixture `trackway_spans`.

A module beside the package, because pytest imports every installed plugin: a suite that does not trace does not pay
for `import trackway`.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trackway.testing import Spans

__all__ = ["pytest_configure", "trackway_spans"]


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers", "trackway(deterministic=True): how the fixture trackway_spans captures"
    )


@pytest.fixture
def trackway_spans(request: pytest.FixtureRequest) -> "Iterator[Spans]":
    """What is observed during the test: `trackway.testing.capture`, with the arguments of `pytest.mark.trackway`."""
    from trackway.testing import capture  # noqa: PLC0415 - for tests that ask for it

    marker = request.node.get_closest_marker("trackway")
    with capture(**(marker.kwargs if marker else {})) as spans:
        yield spans
