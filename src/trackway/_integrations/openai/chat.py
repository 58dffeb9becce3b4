"""`chat.completions` and the older `completions`: answers, whole and in chunks.

The invariant of the accumulators: however a stream is cut into chunks, the result is the same, and the same as of the
whole answer. Chunks are mappings (an SDK's object has its fields in one, see `content.fields_of`), so that what is
here knows no SDK.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, final

from trackway._integrations.content import (
    EXTRA,
    MODELS,
    PAYLOAD,
    error_in,
    fields_of,
    index_in,
    plain,
    plain_mapping,
)
from trackway._integrations.endpoint import Outcome, not_taken
from trackway._wire.native import kernels

__all__ = ["ChatAccumulator", "TextAccumulator", "read_chat", "read_text", "usage_only"]


def usage_only(chunk: Mapping[str, Any]) -> bool:
    """Whether a chunk is the last one that `stream_options.include_usage` brings: no choices, and the usage."""
    return not chunk.get("choices") and chunk.get("usage") is not None


def read_chat(answer: Mapping[str, Any]) -> Outcome:
    """A whole chat completion."""
    usual = _usual(answer)
    return read_any_chat(answer) if usual is None else Outcome(*usual)


def read_any_chat(answer: Mapping[str, Any]) -> Outcome:
    """`read_chat`, where the kernel has no answer."""
    messages, reasons = [], []
    # What a gateway says in an answer with status 200: of the whole, or of a choice (OpenRouter).
    error = error_in(answer) if "error" in answer else None
    for choice in answer.get("choices") or ():
        fields = fields_of(choice)
        message, reason = fields.get("message"), fields.get("finish_reason")
        messages.append(_message(message) if message is not None else {})
        if type(reason) is str:
            reasons.append(reason)
        if "error" in fields:
            error = error or error_in(fields)
    outcome = _outcome(answer, messages, reasons)
    outcome.error = error
    return outcome


def _not_usual(_answer: object) -> None:
    """What there is instead of the kernel."""


# What the kernel asks for: of an answer, of its choice, of a message.
_ASKED: Final = (
    "choices", "usage", "model", "id", "service_tier", "error",
    "message", "finish_reason", "error",
    "parsed", "tool_calls",
)  # fmt: skip
_usual: Final = _not_usual if kernels is None else partial(kernels.completion, *PAYLOAD, _ASKED)


def read_text(answer: Mapping[str, Any]) -> Outcome:
    """A whole completion of the older kind."""
    choices = [fields_of(choice) for choice in answer.get("choices") or ()]
    texts = [choice.get("text") or "" for choice in choices]
    return _outcome(
        answer, texts, [c["finish_reason"] for c in choices if type(c.get("finish_reason")) is str]
    )


def _message(message: Any) -> Mapping[str, Any]:
    """A message without what is empty; a list of calls or annotations that has none is left out, too."""
    made = fields_of(plain(message))
    values = made.values()
    # Most have nothing to leave out. `parse` adds what the content and the arguments of calls say already.
    if None in values or [] in values or "parsed" in made:
        made = {
            key: value
            for key, value in made.items()
            if value is not None and value != [] and key != "parsed"
        }
    if "tool_calls" in made:
        return {**made, "tool_calls": [_call(call) for call in made["tool_calls"]]}
    return made


def _call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or "parsed_arguments" not in function:
        return call
    kept = {key: value for key, value in function.items() if key != "parsed_arguments"}
    return {**call, "function": kept}


def _outcome(answer: Mapping[str, Any], outputs: list[Any], reasons: list[str]) -> Outcome:
    output = outputs[0] if len(outputs) == 1 else outputs or None
    said = answer.get
    usage = plain_mapping(said("usage"))
    return Outcome(output, said("model"), said("id"), tuple(reasons), said("service_tier"), usage)


@final
class _Choice:
    """One of the answers that a stream brings at once."""

    __slots__ = ("calls", "fields", "finish_reason", "lists", "nested", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.fields: dict[str, Any] = {}
        self.lists: dict[str, list[Any]] = {}
        self.nested: dict[str, dict[str, Any]] = {}
        self.calls: dict[int, dict[str, Any]] = {}
        self.finish_reason: str | None = None

    def add(self, delta: Mapping[str, Any]) -> bool:
        """Takes a delta; whether it brought anything of the model's."""
        said = False
        for key, value in delta.items():
            if value is None or value in ("", []):
                continue
            if key == "role":
                self.fields["role"] = value
                continue
            said = True
            if type(value) is str:
                self.texts.setdefault(key, []).append(value)
            elif key == "tool_calls":
                for call in value:
                    _add_call(self.calls, fields_of(call))
            elif isinstance(value, list):
                known = self.lists.setdefault(key, [])
                known += plain(value)
            elif isinstance(value, int | float):
                self.fields[key] = value
            else:  # `function_call`, `audio`: objects whose texts come in pieces
                _merge(self.nested.setdefault(key, {}), fields_of(value))
        return said

    def message(self) -> Mapping[str, Any]:
        made: dict[str, Any] = dict(self.fields)
        for key, pieces in self.texts.items():
            made[key] = "".join(pieces)
        for key, parts in self.lists.items():
            # Mistral's reasoning comes in parts, and the answer behind them as text.
            text = made.get(key)
            made[key] = [*parts, {"type": "text", "text": text}] if type(text) is str else parts
        for key, value in self.nested.items():
            made[key] = _joined(value)
        if self.calls:
            made["tool_calls"] = [_joined(self.calls[index]) for index in sorted(self.calls)]
        return _message(made)


def _add_call(calls: dict[int, dict[str, Any]], call: Mapping[str, Any]) -> None:
    """A piece of a tool call; some servers number none, and send each whole."""
    known = calls.setdefault(index_in(call, len(calls)), {})
    _merge(known, {key: value for key, value in call.items() if key != "index"})


# Texts of which a server may send the whole again with each piece.
_WHOLE: Final = frozenset({"id", "type"})


def _merge(known: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Adds the fields of *piece*; texts are gathered as lists, which `_joined` joins."""
    for key, value in piece.items():
        if value is None:
            continue
        if type(value) is str:
            if key in _WHOLE:
                known[key] = value
            else:
                known.setdefault(key, []).append(value)
        elif isinstance(value, int | float | list):
            known[key] = plain(value)
        else:
            _merge(known.setdefault(key, {}), fields_of(value))


def _joined(gathered: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in gathered.items():
        if isinstance(value, dict):
            made[key] = _joined(value)
        elif isinstance(value, list) and value and all(type(item) is str for item in value):
            made[key] = "".join(value)
        else:
            made[key] = value
    return made


# What a chunk says of the whole answer.
_REMEMBERED: Final = ("id", "model", "service_tier", "usage")
_NAMES: Final = (*_REMEMBERED, "choices", "index", "finish_reason", "error", "delta", "role")


@final
class ChatAccumulator:
    """A chat completion from its chunks."""

    __slots__ = ("_choices", "_error", "_last", "_of_choices", "started", "take")

    def __init__(self) -> None:
        self.started = False
        self._error: str | None = None
        self._choices: dict[int, _Choice] = {}
        self._last: dict[str, Any] = {}
        # Of each choice what `take` adds to.
        self._of_choices: dict[int, tuple[dict[str, list[str]], dict[str, Any]]] = {}
        self.take: Callable[[Any], bool] = (
            not_taken
            if kernels is None
            else partial(kernels.delta, MODELS, EXTRA, _NAMES, self._last, self._of_choices)
        )

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next chunk."""
        last = self._last
        for key in _REMEMBERED:
            value = chunk.get(key)
            if value:
                last[key] = value
        for choice in chunk.get("choices") or ():
            fields = fields_of(choice)
            index = index_in(fields)
            known = self._choices.get(index)
            if known is None:
                known = self._choices[index] = _Choice()
                self._of_choices[index] = (known.texts, known.fields)
            reason, delta = fields.get("finish_reason"), fields.get("delta")
            if reason and type(reason) is str:
                known.finish_reason = reason
            if "error" in fields:
                self._error = self._error or error_in(fields)
            if delta is not None and known.add(fields_of(delta)):
                self.started = True

    def result(self) -> Outcome:
        """What has arrived."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
        outcome = _outcome(self._last, [choice.message() for choice in choices], reasons)
        outcome.error = self._error
        return outcome


@final
class TextAccumulator:
    """A completion of the older kind from its chunks."""

    __slots__ = ("_last", "_reasons", "_texts", "started")

    take = staticmethod(not_taken)

    def __init__(self) -> None:
        self.started = False
        self._texts: dict[int, list[str]] = {}
        self._reasons: dict[int, str] = {}
        self._last: dict[str, Any] = {}

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next chunk."""
        for key in ("id", "model", "usage"):
            value = chunk.get(key)
            if value:
                self._last[key] = value
        for choice in chunk.get("choices") or ():
            fields = fields_of(choice)
            index, text = index_in(fields), fields.get("text")
            pieces = self._texts.setdefault(index, [])
            if text and type(text) is str:
                pieces.append(text)
                self.started = True
            reason = fields.get("finish_reason")
            if reason and type(reason) is str:
                self._reasons[index] = reason

    def result(self) -> Outcome:
        """What has arrived."""
        texts = ["".join(self._texts[index]) for index in sorted(self._texts)]
        return _outcome(
            self._last, texts, [self._reasons[index] for index in sorted(self._reasons)]
        )
