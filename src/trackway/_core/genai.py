"""`wire="genai"`: what a generation was asked and answered is written as messages, instead of input and output."""

from typing import TYPE_CHECKING, Final

from trackway._core.messages import spoken
from trackway._wire import attributes as names
from trackway._wire.encode import attribute

if TYPE_CHECKING:
    from trackway._core.observation import Observation

_INPUT: Final = {
    "messages": names.GEN_AI_INPUT_MESSAGES,
    "instructions": names.GEN_AI_SYSTEM_INSTRUCTIONS,
    "tools": names.GEN_AI_TOOL_DEFINITIONS,
}
_OUTPUT: Final = {"messages": names.GEN_AI_OUTPUT_MESSAGES}


def set_spoken(o: "Observation", value: object, *, output: bool) -> None:
    """Has *o* say *value* as messages; as it is where it is no conversation, or *o* no generation."""
    values = o._provider.values
    value = values.masked(value)
    known = _OUTPUT if output else _INPUT
    extra = {} if o._extra is None else o._extra
    # What is replaced takes no room.
    o._room += len((o._output if output else o._input) or b"")
    o._room += sum(len(extra.pop(name, b"")) for name in known.values())
    said = spoken(value, output=output) if o._kind.startswith("generation") else None
    written = None if said is not None else values.unmasked.encode(value, o)
    if output:
        o._output, o._output_is_json = written or (None, False)
    else:
        o._input, o._input_is_json = written or (None, False)
    for part, messages in (said or {}).items():
        data, _ = values.unmasked.encode(messages, o)
        extra[known[part]] = encoded = attribute(known[part], data.decode())
        o._room -= len(encoded) - len(data)
    o._extra = extra or None
