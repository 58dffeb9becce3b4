"""One request to a provider as one observation, from what was sent to how it ended.

It begins where the SDK is about to send, so that only what is sent is recorded; it ends exactly once: with the answer,
with the end of the stream, or with whatever came before that (an error, a cancellation, a close, the collector).
Nothing here raises, and nothing is changed of what the caller gave or gets.
"""

import atexit
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

import orjson

from trackway._core import exceptions, fields, log
from trackway._core.context import leave_block
from trackway._core.current import enter
from trackway._core.guard import guard
from trackway._core.provider_usage import SHAPES
from trackway._core.usage import with_units
from trackway._integrations.content import fields_of, is_mapping, is_model, plain
from trackway._integrations.endpoint import Accumulator, Endpoint, Outcome, not_taken
from trackway._integrations.frames import Frames, is_framed
from trackway._integrations.opening import opened
from trackway._integrations.parameters import put_parameters
from trackway._integrations.sse import Events
from trackway._wire import attributes as names
from trackway._wire.anyvalue import utf8_of
from trackway._wire.encode import TextKey, attribute, attributes

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider
    from trackway._integrations.special import Note

__all__ = ["LEFT", "NEVER_READ", "Call"]

# What the status says of an answer that nobody waited for.
LEFT: Final = "closed before its end"
NEVER_READ: Final = "never read"
# Bytes of an answer that is read as bytes; beyond, it is not parsed.
MAX_BODY: Final = 8 << 20

_guard: Final = guard("integrations")
# How a body begins that is a file of server-sent events.
_EVENTS: Final = (b"data:", b"event:")
# Sets of finish reasons whose attribute is remembered.
MAX_REASONS: Final = 1_000

# Calls whose answer is being read. They are held here, because the collector finalizes a dropped stream and what hangs
# on it in any order, and an observation that goes first cannot say why it ended.
_open: Final[set["Call"]] = set()


@final
class Call:
    """One request, and what is known of it."""

    __slots__ = (
        "_accumulator",
        "_body",
        "_capture",
        "_end",
        "_endpoint",
        "_events",
        "_left",
        "_provider_name",
        "_request",
        "hiding",
        "observation",
        "received",
        "take",
    )

    def __init__(  # noqa: PLR0913 - what is known when a request is sent
        self,
        provider: "TracerProvider",
        endpoint: Endpoint,
        provider_name: str,
        body: Mapping[str, Any],
        note: "Note | None",
        *,
        hiding: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._provider_name = provider_name
        self._accumulator: Accumulator | None = None
        self._events: Events | Frames | None = None
        self._body: bytearray | None = None
        # Whoever takes what is in it ends the call; a list gives it to one of two threads.
        self._end = [True]
        self._capture = provider.capture_io
        self._request = body
        self.hiding = hiding
        """Whether a chunk is to be kept from the caller, who did not ask for it."""
        self.received = False
        """Whether anything of a streamed answer has arrived."""
        self.take: Callable[[Any], bool] = not_taken
        """Takes the next chunk if it is of the usual kind and for the caller to see; False: it is for `chunk`."""
        self.observation = o = opened(provider, endpoint, provider_name, body.get("model"), note)
        if o._recording:
            self._say(o, note)
        self._left: tuple[Context, Context] | None = enter(o)

    def _say(self, o: "Observation", note: "Note | None") -> None:
        """What the request says."""
        endpoint, body = self._endpoint, self._request
        if self._capture and (given := _input(endpoint, body)) is not None:
            fields.set_input(o, given)
        put_parameters(o, body, endpoint.no_parameters)
        if "metadata" in body and is_mapping(body["metadata"]):
            fields.apply(o, {"metadata": body["metadata"]})
        if note is not None:
            fields.apply(o, note.fields)

    def sent(self) -> None:
        """The SDK has answered, or failed: what runs from here on is not below this observation."""
        with _guard:
            self.leave()

    def leave(self) -> None:
        """As `sent`, for who has a guard around it."""
        left, self._left = self._left, None
        if left is not None:
            leave_block(*left)

    # -- whole answers -------------------------------------------------------------------------------

    def answered(self, answer: Any) -> None:
        """The whole answer: an SDK's object, a mapping, a text, a file, or what says nothing more. Needs a guard."""
        if self._claim():
            try:
                if is_model(type(answer)) or is_mapping(answer):
                    outcome = self._endpoint.read(fields_of(answer))
                else:
                    outcome = self._unread(answer)
                self._tell(outcome)
            finally:
                self.observation._finish()

    def _unread(self, answer: Any) -> Outcome:
        """What a text says (a transcription asked for as one), and a file of events, which the SDK hands on unread."""
        if isinstance(answer, str):
            return self._endpoint.read({"text": answer})
        data = answer if isinstance(answer, bytes) else getattr(answer, "content", None)
        if not isinstance(data, bytes) or not data.startswith(_EVENTS):
            return Outcome()
        for event in Events().feed(data + b"\n\n"):
            self.chunk(event)
        return self._result()

    def parsing(self, parser: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """*parser* of an SDK's, of the whole answer: what it cannot use has arrived, and has cost."""

        def parse(answer: Any) -> Any:
            try:
                return parser(answer)
            except BaseException as error:
                self.raised(error, came=answer)
                raise

        return parse

    def raised(self, error: BaseException, *, came: Any = None) -> None:
        """The request, or reading its answer, ended by *error*; *came*: the answer, where it is whole."""
        if not self._claim():
            return
        with _guard:
            if came is not None:
                self._record(self._endpoint.read(fields_of(came)))
            else:
                self._record(self._result())
        with _guard:
            _say_error(self.observation, error)
            _say_refused(error, self._request)
        self.observation._fail(error)
        self.observation.end()

    # -- streams ---------------------------------------------------------------------------------------

    def opened(self) -> None:
        """The caller has a stream, and will read it or not."""
        with _guard:
            if not _exiting:
                # After the client is made, so that it runs before the delivery's own hook.
                _exiting.append(atexit.register(_leave_all))
            _open.add(self)

    def chunk(self, chunk: Any) -> bool:
        """The next chunk of a stream; whether it is to be kept from the caller."""
        hidden = False
        with _guard:
            seen = fields_of(chunk)
            accumulator = self._accumulator
            if accumulator is None:
                accumulator = self._begun()
                if accumulator is None:
                    return False
            if self.hiding and self._endpoint.hides is not None:
                hidden = self._endpoint.hides(seen)
            waiting = not accumulator.started
            accumulator.add(seen)
            if waiting and accumulator.started:
                self._first_token()
                self.take = accumulator.take
        return hidden

    def _begun(self) -> Accumulator | None:
        self.received = True
        if self._endpoint.accumulator is not None:
            self._accumulator = self._endpoint.accumulator()
        return self._accumulator

    def _first_token(self) -> None:
        o = self.observation
        moment = datetime.fromtimestamp(o._now() / 1e9, UTC)
        fields.apply(o, {"completion_start_time": moment})

    def exhausted(self) -> None:
        """The stream has come to its end."""
        if self._claim():
            with _guard:
                self._tell(self._result())
            self.observation.end()

    def left(self) -> None:
        """Nobody will read on: a close, an early exit, the collector."""
        if self._claim():
            with _guard:
                message = LEFT if self.received else NEVER_READ
                fields.apply(self.observation, {"status_message": message})
                self._tell(self._result())
            self.observation.end()

    def _result(self) -> Outcome:
        if self._accumulator is not None:
            return self._accumulator.result()
        return Outcome()

    # -- answers that are read as bytes ------------------------------------------------------------------

    def piece(self, data: bytes, *, events: bool) -> None:
        """The next bytes of an answer that the caller reads itself: server-sent *events*, or one JSON document."""
        with _guard:
            self.received = True
            if not events:
                self._body = bytearray() if self._body is None else self._body
                if len(self._body) <= MAX_BODY:
                    self._body += data
                return
            if self._events is None:
                self._events = Frames() if is_framed(data) else Events()
            for event in self._events.feed(data):
                self.chunk(event)

    def whole(self, *, events: bool) -> None:
        """All bytes have been read."""
        if events:
            self.exhausted()
            return
        with _guard:
            body = bytes(self._body or b"")
            self.answered(_parsed(body, body))

    # ------------------------------------------------------------------------------------------------------

    def _claim(self) -> bool:
        """Whether the caller is the first to end this: a close may race with a reader in another thread."""
        try:
            self._end.pop()
        except IndexError:
            return False
        if _open:
            _open.discard(self)
        return True

    def _tell(self, outcome: Outcome) -> None:
        self._record(outcome)
        if outcome.error is not None:
            fields.apply(self.observation, {"level": "ERROR", "status_message": outcome.error})

    def _record(self, outcome: Outcome) -> None:
        o = self.observation
        if not o._recording:
            return
        if isinstance(outcome.model, str):
            fields.set_response_model(o, outcome.model)
        if outcome.service_tier is not None:
            fields.set_service_tier(o, outcome.service_tier)
        if self._capture and outcome.output is not None:
            fields.set_output(o, outcome.output)
        if outcome.usage is not None:
            shape = self._endpoint.usage
            if self._provider_name == "openrouter" and shape == "openai.chat":
                shape = "openrouter.chat"
            usage = SHAPES[shape](outcome.usage)
            if outcome.units:
                usage = with_units(usage, outcome.units)
            if usage is not None:
                fields.set_usage(o, usage)
        fields._put(o, "response", _response(outcome))


_exiting: Final[list[object]] = []


def _leave_all() -> None:
    """Ends what is still being read when the process exits."""
    for call in tuple(_open):
        call.left()


def _input(endpoint: Endpoint, body: Mapping[str, Any]) -> object:
    """The main field alone where nothing else was sent, else all that are input, by name."""
    if endpoint.beside.isdisjoint(body):
        main = body.get(endpoint.inputs[0])
        return None if main is None else plain(main)
    return {key: plain(body[key]) for key in endpoint.inputs if key in body}


_ID: Final = TextKey(names.GEN_AI_RESPONSE_ID).writer()


@lru_cache(MAX_REASONS)
def _reasons(reasons: tuple[str, ...]) -> bytes:
    return attribute(names.GEN_AI_RESPONSE_FINISH_REASONS, reasons)


def _response(outcome: Outcome) -> bytes:
    """What the answer says of itself, as attributes."""
    encoded = _reasons(outcome.finish_reasons) if outcome.finish_reasons else b""
    if isinstance(outcome.response_id, str) and outcome.response_id:
        encoded += _ID(utf8_of(outcome.response_id))
    return encoded


def _say_error(o: "Observation", error: BaseException) -> None:
    pairs: dict[str, str | int] = {names.ERROR_TYPE: exceptions.type_name(error)}
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        pairs[names.HTTP_RESPONSE_STATUS_CODE] = status
    fields._put(o, "error", attributes(pairs))


def _say_refused(error: BaseException, body: Mapping[str, Any]) -> None:
    """One WARNING where the provider refused the `metadata` that may have been meant for us."""
    if "metadata" not in body or getattr(error, "status_code", None) != 400:  # noqa: PLR2004 - Bad Request
        return
    if "metadata" in exceptions.message(error):
        log.warn(
            "openai:metadata",
            "the provider refused the argument metadata=; what is for tracing alone goes into trackway_metadata=",
        )


def _parsed(body: bytes, otherwise: Any) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return otherwise
