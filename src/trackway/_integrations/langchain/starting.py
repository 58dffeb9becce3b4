"""The start of a run: its parent, what is propagated to it, what it records from the beginning."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from trackway._core.ambient import get_current
from trackway._core.context import current_observation, propagated_in
from trackway._core.state import SAID_AT_START
from trackway._integrations.langchain import configuration, lifetimes
from trackway._integrations.langchain.kinds import HIDDEN, made_by
from trackway._integrations.langchain.runs import Run, runs

if TYPE_CHECKING:
    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider
    from trackway.types import TraceContext

__all__ = ["begin"]


def begin(  # noqa: PLR0913 - what a callback tells
    provider: "TracerProvider",
    *,
    run_id: UUID,
    parent_run_id: UUID | None,
    name: str,
    kind: str,
    given: Mapping[str, object],
    call: Mapping[str, object] | None = None,
    tags: Sequence[str] | None,
    metadata: Mapping[str, object] | None,
    trace_context: "TraceContext | None",
) -> Run:
    """Starts the observation of a run, and enters it in the table."""
    parent = runs.find(parent_run_id)
    if parent is not None and parent.observation._provider is not provider:
        parent = None
    said, labels = configuration.said_in(metadata), configuration.labels(tags)
    owned = None
    if parent is None:
        owned = configuration.propagated(said, labels)
    elif said != parent.said:
        owned = configuration.propagated(said, ())
    fields = dict(given)
    more = configuration.observation_metadata(metadata)
    _add_tags(more, tags, labels, parent)
    fields["metadata"] = {**more, **(call or {})} or None
    if tags and HIDDEN in tags:
        fields["level"] = "DEBUG"
    _link_prompt(fields, kind, said, parent)
    observation = provider.start(
        name,
        kind,
        fields,
        parent=None if parent is None else _innermost(parent),
        trace_context=None if parent is not None else trace_context,
        owned=owned,
    )
    if owned is not None:
        observation._owned, observation._base = SAID_AT_START, propagated_in(get_current())
    run = Run(run_id, observation, parent, said)
    run.tags, run.maker = tuple(labels), made_by(metadata)
    runs.start(run)
    if kind in lifetimes.KINDS:
        lifetimes.watch(run)
    return run


def _innermost(parent: Run) -> "Observation":
    """The observation that is current here, where it is inside of the *parent* run; else that run's."""
    current, own = current_observation(), parent.observation
    if current is None or current._provider is not own._provider:
        return own
    return current if runs.is_inside(current._found, parent) else own


def _add_tags(
    metadata: dict[str, object],
    tags: Sequence[str] | None,
    labels: Sequence[str],
    parent: Run | None,
) -> None:
    """Says what this run alone is tagged with: those of the outermost run are propagated."""
    attempt = configuration.attempt_of(tags)
    if attempt is not None:
        metadata["attempt"] = attempt
    if parent is not None:
        own = [label for label in labels if label not in parent.tags]
        if own:
            metadata["tags"] = own


def _link_prompt(
    fields: dict[str, object], kind: str, said: Mapping[str, object], parent: Run | None
) -> None:
    """Links a generation to the version of the prompt that its configuration, or a template beside it, names."""
    prompt = said.get("prompt")
    if kind == "generation":
        fields["prompt"] = prompt if prompt is not None or parent is None else parent.prompt
    elif prompt is not None and parent is not None:
        parent.prompt = prompt
