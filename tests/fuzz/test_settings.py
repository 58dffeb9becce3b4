"""Whatever the environment and a server's headers hold, they are understood or refused, and no secret is repeated.

Settings are Settings or one ConfigurationError; a `Retry-After` is a wait of 0 to 3,600 s or nothing.
"""

from collections.abc import Mapping

from hypothesis import example, given
from hypothesis import strategies as st

from trackway._core.settings import AMBIENT, Settings, settings_from
from trackway._core.specs import SPECS
from trackway._delivery.policy import MAX_RETRY_AFTER_S, retry_after
from trackway._delivery.posting import new_poster
from trackway.errors import ConfigurationError

SECRET = "s3cr3t-hunter2"
NAMES = sorted(
    {
        *(variable for spec in SPECS for variable in spec.variables),
        *AMBIENT,
        *("OTEL_SDK_DISABLED", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "TRACKWAY_TYPO"),
    }
)
# An environment has no NUL, and what is no Unicode in it arrives as surrogates.
TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from("\udc80\udcff"),
    max_size=20,
)
VALUES = st.one_of(
    TEXTS,
    st.lists(
        st.sampled_from(
            [
                *(
                    "http://",
                    "https://",
                    "localhost",
                    ":4318",
                    "/v1/traces",
                    "[::1]",
                    "a:b@",
                    "?",
                    "#",
                ),
                *(
                    "true",
                    "false",
                    "none",
                    "otel",
                    "1",
                    "0",
                    "-",
                    ".",
                    "e",
                    "nan",
                    "inf",
                    "GiB",
                    "ms",
                ),
                *("=", ",", "%", "%41", "%ff", "name", "x-key", SECRET, " ", "é", "always", "gzip"),
            ]
        ),
        max_size=6,
    ).map("".join),
)
ARGUMENTS = st.dictionaries(
    st.sampled_from([spec.name for spec in SPECS]),
    VALUES
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.dictionaries(TEXTS, VALUES, max_size=2),
    max_size=3,
)


@example({"TRACKWAY_HEADERS": f"{SECRET}x-key=é"}, {}, None)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6), ARGUMENTS, VALUES | st.none())
def test_any_environment(
    environ: Mapping[str, str], arguments: dict[str, object], header: str | None
) -> None:
    """Any variables, beside any arguments; and any header of a reply."""
    refused, settings = None, None
    try:
        settings = settings_from(environ, arguments, None)
    except ConfigurationError as error:
        refused = error
    if settings is not None:
        _usable(settings)
    # Where a key or a header is refused, the message says which, and not what it was.
    elif refused is not None and refused.setting in {"secret_key", "headers"}:
        assert SECRET not in str(refused)
    wait = retry_after(header, 1_700_000_000.0)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER_S


def _usable(settings: Settings) -> None:
    """What was accepted can be worked with, and shown."""
    assert 0 <= settings.sample_rate <= 1
    assert settings.timeout > 0
    assert settings.spool_quota > 0
    assert settings.max_value_bytes > 0
    hash(settings)
    remote = settings.remote
    if remote is not None:
        hidden = "".join(value for _, value in remote.headers)
        assert SECRET not in hidden or hidden not in repr(settings)
        # What the exporter would make of it; opens no connection.
        new_poster(settings, remote).close()
