"""The way of one value from the caller's hands to bytes: mask, then JSON under a budget, then redaction.

All of it happens before the call returns and before anything touches the disk.
"""

from typing import TYPE_CHECKING, Final, Protocol, final

from trackway._core.guard import guard
from trackway._core.log import warn
from trackway._core.plain import clean, is_secret, plain_bytes
from trackway._core.propagated import Propagated
from trackway._core.redact import redact, redact_text
from trackway._core.secrets import key_mark
from trackway._core.serialize import json_text, serialize
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from trackway._core.observation import Observation

# Words that recur (models, providers, service tiers), and how long one may be to be remembered.
MAX_WORDS: Final = 1_000
LONGEST_WORD: Final = 200

WITHHELD: Final = "<withheld: mask failed>"
NO_ROOM: Final = b"<cut: the values of this span exceed 2 MiB>"


class Mask(Protocol):
    """`mask(data=value)` gives what may be recorded in place of *value*.

    Called for inputs, outputs, metadata, names and status messages.
    """

    def __call__(self, *, data: object) -> object:
        """What may be recorded."""
        ...


@final
class Values:
    """How one client turns values into bytes."""

    __slots__ = (
        "_mask",
        "_max_bytes",
        "_redact",
        "_words",
        "answering",
        "masks",
        "shortest",
        "unmasked",
    )

    def __init__(self, *, mask: Mask | None, redact: bool, max_bytes: int) -> None:
        self._mask = mask
        self.masks = mask is not None
        self._redact = redact
        self._max_bytes = max_bytes
        self._words: dict[str, str] = {}
        self.answering: dict[str, tuple[str, bytes]] = {}
        """Models that answered: as they may be recorded, and as attributes."""
        self.shortest = self.encode_plain if redact and mask is None and kernels else self.encode
        """`encode`, by the shortest way to it."""
        self.unmasked = (
            self if mask is None else Values(mask=None, redact=redact, max_bytes=max_bytes)
        )
        """For values that were masked already."""

    def encode(self, value: object, o: "Observation") -> tuple[bytes, bool]:
        """(UTF-8, whether it is JSON) of *value*, within what *o* has room for."""
        if self._mask is not None:
            value = self._masked(value)
        room = o._room
        if room <= 0:
            return NO_ROOM, False
        limit = self._max_bytes
        if limit > room:  # noqa: PLR1730 - `min` is a call, 60 ns
            limit = room
        # What `serialize` would do first, without the way there.
        plain = plain_bytes(value, limit, names=self._redact)
        if plain is not None:
            data, is_json = plain, True
        else:
            data, is_json = serialize(value, max_bytes=limit, secret_keys=self._redact)
        if self._redact:
            data = redact(data)
        o._room = room - len(data)
        return data, is_json

    def encode_plain(self, value: object, o: "Observation") -> tuple[bytes, bool]:
        """As `encode`, by the way that most values take where there are kernels and no mask."""
        room, limit = o._room, self._max_bytes
        found = clean(value, limit if limit < room else room)  # noqa: FURB136 - `min` is a call, 60 ns
        if found.__class__ is not tuple:
            return self.encode(value, o)
        data, maybe = found
        if maybe:
            data = redact(data)
        o._room = room - len(data)
        return data, True

    def masked(self, value: object) -> object:
        """What the mask makes of *value*; itself without one."""
        return value if self._mask is None else self._masked(value)

    def metadata(self, key: str, value: object, o: "Observation") -> bytes:
        """The text of one metadata entry; a mark where the key is the name of a secret."""
        if self._redact and is_secret(key, value, ()):
            return key_mark(key).encode()
        return self.encode(value, o)[0]

    def document(self, value: object) -> bytes:
        """*value* as JSON, masked and redacted, where it belongs to no observation."""
        if self._mask is not None:
            value = self._masked(value)
        data, is_json = serialize(value, max_bytes=self._max_bytes, secret_keys=self._redact)
        if not is_json:
            data = json_text(value)
        return redact(data) if self._redact else data

    def propagated(self, given: Propagated) -> Propagated:
        """What a block propagates, as this client may record it.

        Texts pass redaction; metadata, tags and the trace's name the mask as well. The user and the session are what
        rows are grouped by: a mask that made one of them of several would mix people up.
        """
        if self._mask is None and not self._redact:
            return given
        return Propagated(
            user_id=self.identity(given.user_id),
            session_id=self.identity(given.session_id),
            version=self.identity(given.version),
            trace_name=None if given.trace_name is None else self.text(given.trace_name),
            environment=given.environment,
            tags=tuple(map(self.text, given.tags)),
            metadata={key: self._entry(key, text) for key, text in given.metadata.items()},
            prompt=given.prompt and (redact_text(given.prompt[0]), given.prompt[1]),
        )

    def _entry(self, key: str, text: str) -> str:
        return key_mark(key) if self._redact and is_secret(key, text, ()) else self.text(text)

    def identity(self, text: str | None) -> str | None:
        """A text that names something (a user, a model): redacted, not masked."""
        return text if text is None or not self._redact else redact_text(text)

    def word(self, text: str) -> str:
        """As `identity`, for what recurs: what it came to is remembered."""
        known = self._words.get(text)
        if known is None:
            known = redact_text(text) if self._redact else text
            if len(text) <= LONGEST_WORD and len(self._words) < MAX_WORDS:
                self._words[text] = known
        return known

    def remember_answering(self, model: object, said: tuple[str, bytes]) -> None:
        """Has the same *model* not be looked at again."""
        if (
            isinstance(model, str)
            and len(model) <= LONGEST_WORD
            and len(self.answering) < MAX_WORDS
        ):
            self.answering[model] = said

    def text(self, text: str) -> str:
        """A name or a status message, masked and redacted."""
        if self._mask is not None:
            masked = self._masked(text)
            text = masked if isinstance(masked, str) else WITHHELD
        return redact_text(text) if self._redact else text

    def _masked(self, value: object) -> object:
        """What the mask makes of *value*; withheld where it fails or gives nothing for something."""
        masked: object = None
        failed = True
        # The mask is the application's code: what it raises is no error of ours, but it is worth a warning.
        with guard("mask", quiet=True):
            masked = self._mask(data=value) if self._mask is not None else value
            failed = masked is None and value is not None
        if failed:
            warn("mask", "mask failed or returned None; the value is withheld")
        return WITHHELD if failed else masked
