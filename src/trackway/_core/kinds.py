"""The ten kinds of observation as data: what each is called in every dialect, and which fields it takes."""

from collections.abc import Mapping
from typing import Final, get_args

from trackway._core import log
from trackway._core.propagated import GENAI, LANGFUSE, OPENINFERENCE
from trackway._wire import attributes as names
from trackway._wire.encode import attributes
from trackway.types import ObservationKind

KINDS: Final[tuple[str, ...]] = get_args(ObservationKind)
# Only these carry a model, parameters, usage and cost: what a backend sums up as spending.
GENERATION_LIKE: Final = frozenset({"generation", "embedding"})


def _words(table: Mapping[str, str], **more: str) -> dict[str, str]:
    """From a dialect's word to ours; where several kinds share a word, the first. *more* are words we never write."""
    found: dict[str, str] = {}
    for kind, word in table.items():
        found.setdefault(word, kind)
    return {**more, **found}


SAID: Final[Mapping[str, Mapping[str, str]]] = {
    names.LANGFUSE_OBSERVATION_TYPE: {kind: kind for kind in KINDS},
    names.OPENINFERENCE_SPAN_KIND: _words(names.OPENINFERENCE_KINDS, RERANKER="retriever"),
    names.GEN_AI_OPERATION_NAME: _words(
        names.GEN_AI_OPERATIONS,
        text_completion="generation",
        generate_content="generation",
        create_agent="agent",
        invoke_workflow="chain",
    ),
}
"""By attribute, what a word that another tracer writes there is as a kind of ours."""


def valid_kind(as_type: object) -> str:
    """*as_type* if it can be asked for; `span`, with a WARNING, where it cannot."""
    if isinstance(as_type, str) and as_type in KINDS and as_type != "event":
        return as_type
    allowed = ", ".join(kind for kind in KINDS if kind != "event")
    log.warn(
        f"as_type:{as_type!r:.40}",
        "Invalid as_type %.40r. Valid types are: %s. Defaulting to 'span'.",
        as_type,
        allowed,
    )
    return "span"


def of_call(kind: str, operation: str) -> str:
    """*kind*, with the *operation* of a call where it is not what the kind stands for."""
    told = f"{kind}:{operation}"
    return told if told in CALLS else kind


def kind_block(kind: str, bits: int, operation: str | None = None) -> bytes:
    """The ready attribute fields that say the *kind*, and the *operation* where it is none of the kind's own."""
    pairs: dict[str, str] = {names.LANGFUSE_OBSERVATION_TYPE: kind}
    if bits & OPENINFERENCE and kind in names.OPENINFERENCE_KINDS:
        pairs[names.OPENINFERENCE_SPAN_KIND] = names.OPENINFERENCE_KINDS[kind]
    if operation is not None or kind in names.GEN_AI_OPERATIONS:
        pairs[names.GEN_AI_OPERATION_NAME] = operation or names.GEN_AI_OPERATIONS[kind]
    return attributes(pairs)


DIALECTS: Final = {
    "all": LANGFUSE | OPENINFERENCE,
    "langfuse": LANGFUSE,
    "openinference": OPENINFERENCE,
    "genai": GENAI,
}
"""The setting `wire`, as bits."""
CALLS: Final = {
    f"generation:{operation}": operation
    for operation in (
        "text_completion",
        "image_generation",
        "transcription",
        "speech",
        "moderation",
    )
}
"""Generations that are no chat, by what an observation of one has as its kind."""
UNSAID: Final = ""
"""The kind of a span of an instrumentation that says in its own words what it is; we add none."""
SAID_BY: Final = frozenset(
    {
        names.OPENINFERENCE_SPAN_KIND,
        names.GEN_AI_OPERATION_NAME,
        names.GEN_AI_REQUEST_MODEL,
        names.LLM_MODEL_NAME,
        names.LANGFUSE_OBSERVATION_TYPE,
    }
)
"""The words in which it says so."""
BLOCKS: Final = {
    **{(kind, bits): kind_block(kind, bits) for kind in KINDS for bits in DIALECTS.values()},
    **{(UNSAID, bits): b"" for bits in DIALECTS.values()},
    **{
        (told, bits): kind_block("generation", bits, operation)
        for told, operation in CALLS.items()
        for bits in DIALECTS.values()
    },
}
ALL: Final = (*KINDS, UNSAID, *CALLS)
"""Whatever an observation can have as its kind."""
