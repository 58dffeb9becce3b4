"""Everything that trackway raises on purpose, and when.

::

    TrackwayError
    ├── ConfigurationError      a setting is wrong; raised while a client is being made
    ├── ReadNotAvailable        a read was asked for that this configuration cannot answer
    └── FilterError             a read was asked for with a field, operator or value that does not exist

Tracing itself never raises: at run time what is wrong is dropped or cut, marked, counted and warned
about once a minute.
"""

__all__ = ["ConfigurationError", "FilterError", "ReadNotAvailable", "TrackwayError"]


class TrackwayError(Exception):
    """The base of all errors of this library."""


class ConfigurationError(TrackwayError, ValueError):
    """A setting has a value that cannot be used; ``.setting`` is its name."""

    def __init__(self, message: str, *, setting: str) -> None:
        super().__init__(message)
        self.setting = setting


class ReadNotAvailable(TrackwayError):  # noqa: N818 - reads as what it says, and is the documented name
    """What was asked for cannot be read with this configuration; ``.setting`` names what to change."""

    def __init__(self, message: str, *, setting: str) -> None:
        super().__init__(message)
        self.setting = setting


class FilterError(TrackwayError, ValueError):
    """A filter names a field, an operator or a value that does not exist; ``.field`` is the name."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field
