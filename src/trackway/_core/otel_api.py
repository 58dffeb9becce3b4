"""What other code sets on our spans through the OpenTelemetry API: attributes, events, links, status.

OpenTelemetry's limits (128 of each) apply here and only here; our own fields never push one another out.
Everything passes redaction, and the mask where one is set.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from opentelemetry.trace import SpanContext
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes
from opentelemetry.util.types import AttributeValue as Given

from trackway._core import exceptions
from trackway._core.cut import shortened, utf8
from trackway._core.kinds import SAID_BY, UNSAID
from trackway._core.plain import is_secret
from trackway._core.secrets import key_mark
from trackway._wire import attributes as names
from trackway._wire.encode import AttributeValue, attribute, event, link

if TYPE_CHECKING:
    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider

MAX_ATTRIBUTES: Final = 128
MAX_EVENTS: Final = 128
MAX_LINKS: Final = 128
_CODES: Final = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


@final
class Additions:
    """What was added to one span, encoded when it was added."""

    __slots__ = (
        "attributes",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
        "events",
        "links",
    )

    def __init__(self) -> None:
        self.attributes: dict[str, bytes] = {}
        self.events: list[bytes] = []
        self.links: list[bytes] = []
        self.dropped_attributes = 0
        self.dropped_events = 0
        self.dropped_links = 0

    def set(self, observation: "Observation", attributes: Mapping[str, Given]) -> None:
        """Sets attributes; beyond the limit, or the span's bytes, they are dropped and counted, as the SDK does."""
        if observation._scope is not observation._provider.scope and not SAID_BY.isdisjoint(
            attributes
        ):
            observation._kind = UNSAID
        for key, value in attributes.items():
            if not key or value is None:
                continue
            field = attribute(key, clean(observation._provider, key, value))
            full = key not in self.attributes and len(self.attributes) >= MAX_ATTRIBUTES
            if full or len(field) > observation._room:
                self.dropped_attributes += 1
            else:
                observation._room += len(self.attributes.get(key, b"")) - len(field)
                self.attributes[key] = field

    def add_event(
        self, observation: "Observation", name: str, attributes: Attributes, timestamp: int | None
    ) -> None:
        """Adds an event; beyond the limit it is dropped and counted."""
        if len(self.events) >= MAX_EVENTS:
            self.dropped_events += 1
            return
        told = {
            key: clean(observation._provider, key, value)
            for key, value in (attributes or {}).items()
        }
        self.events.append(
            event(name, observation._now() if timestamp is None else timestamp, told)
        )

    def add_link(
        self, observation: "Observation", context: SpanContext, attributes: Attributes
    ) -> None:
        """Adds a link; beyond the limit it is dropped and counted."""
        if len(self.links) >= MAX_LINKS:
            self.dropped_links += 1
            return
        told = {
            key: clean(observation._provider, key, value)
            for key, value in (attributes or {}).items()
        }
        self.links.append(
            link(
                context.trace_id.to_bytes(16),
                context.span_id.to_bytes(8),
                context.trace_state.to_header(),
                told,
                flags=int(context.trace_flags) | (0x300 if context.is_remote else 0x100),
            )
        )

    def add_exception(
        self,
        observation: "Observation",
        error: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        *,
        escaped: bool = False,
    ) -> None:
        """Adds an `exception` event with type, message and stack."""
        details: dict[str, Given] = {
            names.EXCEPTION_TYPE: exceptions.type_name(error),
            names.EXCEPTION_MESSAGE: exceptions.message(error),
            names.EXCEPTION_STACKTRACE: exceptions.stack(error),
            **(attributes or {}),
        }
        if escaped:
            details[names.EXCEPTION_ESCAPED] = "True"
        self.add_event(observation, "exception", details, timestamp)


def of(observation: "Observation") -> Additions:
    """The additions of *observation*, made at the first use."""
    additions = observation._api
    if additions is None:
        additions = observation._api = Additions()
    return additions


def set_status(
    observation: "Observation", status: Status | StatusCode, description: str | None
) -> None:
    """OpenTelemetry's rules: OK is final, UNSET changes nothing, only ERROR has a description."""
    if isinstance(status, StatusCode):
        code, text = status, description
    else:
        code, text = status.status_code, status.description
    if code is StatusCode.UNSET or observation._status == _CODES[StatusCode.OK]:
        return
    observation._status = _CODES[code]
    observation._status_text = (
        observation._provider.text(text or "") if code is StatusCode.ERROR else ""
    )


def clean(provider: "TracerProvider", key: str, value: object) -> AttributeValue:
    """An attribute's value as it may be recorded: masked, redacted by name and by shape, within the budget of one."""
    if isinstance(value, str):
        if provider.redacts and is_secret(key.rpartition(".")[2], value, ()):
            return key_mark(key.rpartition(".")[2])
        text = provider.text(value)
        if len(text) > provider.max_bytes // 4 and len(utf8(text)) > provider.max_bytes:
            return shortened(text, provider.max_bytes, utf8).decode()
        return text
    if isinstance(value, list | tuple):
        return [clean(provider, key, item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): clean(provider, str(name), item) for name, item in value.items()}
    return value if isinstance(value, bool | int | float | bytes) else None
