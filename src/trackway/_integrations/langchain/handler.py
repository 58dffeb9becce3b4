"""`CallbackHandler`: LangChain's callbacks, each a few lines that say what the observation gets.

`run_inline`: LangChain calls the handler in the task and thread of what it is about, not in a pool of its own. So what
is current and propagated there is what the application put there.
"""

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from trackway._core import log, parents
from trackway._core.guard import guard
from trackway._core.runtime import runtime
from trackway._integrations.langchain import around, messages, models, recording
from trackway._integrations.langchain.kinds import chain_kind, run_name
from trackway._integrations.langchain.runs import Run, runs
from trackway._integrations.langchain.starting import begin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.agents import AgentAction, AgentFinish
    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult
    from tenacity import RetryCallState

    from trackway._core.provider import TracerProvider
    from trackway.types import TraceContext

__all__ = ["CallbackHandler"]

_guard: Final = guard("langchain")


class CallbackHandler(BaseCallbackHandler):
    """Records every run of LangChain and LangGraph that it is given to: chains, agents, tools, retrievers, models.

    Args:
        public_key: Selects the client with this Langfuse key, where there are several.
        trace_context: Places the outermost runs into a trace of another process: ids in hex.

    Give it to a call (`config={"callbacks": [CallbackHandler()]}`) or to a constructor (`callbacks=[…]`). One handler
    serves any number of calls, threads and tasks. Runs stand below the observation that is current where the outermost
    starts; what they propagate (`propagate_attributes`, or `trackway_user_id`, `trackway_session_id`, `trackway_tags` …
    in `config["metadata"]`) is on every observation. No method raises, and none blocks.

    Example:
        >>> from langchain_core.runnables import RunnableLambda
        >>> from trackway.langchain import CallbackHandler
        >>> chain = RunnableLambda(lambda text: text.upper())
        >>> chain.invoke("hello", config={"callbacks": [CallbackHandler()], "metadata": {"trackway_user_id": "alice"}})
        'HELLO'
    """

    run_inline = True
    raise_error = False

    def __init__(
        self, *, public_key: str | None = None, trace_context: "TraceContext | None" = None
    ) -> None:
        super().__init__()
        self.public_key = public_key
        self.trace_context = trace_context
        self.last_trace_id: str | None = None
        """The trace of the outermost run that started last, 32 hex digits."""
        around.register()

    def __deepcopy__(self, memo: dict[int, object]) -> "CallbackHandler":
        """Itself: what it knows is in the table of runs, which a copy would share."""
        return self

    # -- chains, agents ----------------------------------------------------------------------------

    @_guard
    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        name = run_name(more.get("name"), serialized, "chain")
        around = runs.find(parent_run_id)
        kind = chain_kind(name, serialized, metadata, None if around is None else around.maker)
        # Of a stream the input is known at its end.
        given = {} if more.get("defers_inputs") else {"input": inputs}
        self._start(
            name,
            kind,
            given,
            run_id=run_id,
            parent_run_id=parent_run_id,
            tags=tags,
            metadata=metadata,
        )

    @_guard
    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.put(run, input=inputs, output=outputs)
            runs.end(run)

    @_guard
    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, inputs: Any = None, **_more: Any
    ) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.put(run, input=inputs)
            recording.fail(run, error)

    @_guard
    def on_agent_action(self, action: "AgentAction", *, run_id: UUID, **_more: Any) -> None:  # noqa: ARG002 - their name
        run = runs.open(run_id)
        if run is not None:
            run.observation._kind = "agent"

    @_guard
    def on_agent_finish(self, finish: "AgentFinish", *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            run.observation._kind = "agent"
            recording.put(run, output=finish)

    # -- models ------------------------------------------------------------------------------------

    @_guard
    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: "list[list[BaseMessage]]",
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        asked = messages[0] if len(messages) == 1 else messages
        self._start_model(
            serialized,
            asked,
            more,
            run_id=run_id,
            parent_run_id=parent_run_id,
            tags=tags,
            metadata=metadata,
        )

    @_guard
    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        asked = prompts[0] if len(prompts) == 1 else prompts
        self._start_model(
            serialized,
            asked,
            more,
            run_id=run_id,
            parent_run_id=parent_run_id,
            tags=tags,
            metadata=metadata,
        )

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: "GenerationChunk | ChatGenerationChunk | None" = None,
        run_id: UUID,
        **_more: Any,
    ) -> None:
        # Not as a decorator: this is called for each chunk, and that would double what it takes.
        with _guard:
            run = runs.open(run_id)
            if run is not None and not run.streamed and (token or models.says_something(chunk)):
                recording.first_token(run)

    @_guard
    def on_stream_event(self, event: Any, *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None and not run.streamed and models.is_delta(event):
            recording.first_token(run)

    @_guard
    def on_llm_end(self, response: "LLMResult", *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.put_result(run, response)
            runs.end(run)

    @_guard
    def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        response: "LLMResult | None" = None,
        **_more: Any,
    ) -> None:
        run = runs.open(run_id)
        if run is not None:
            if response is not None and response.generations:
                # What had arrived.
                recording.put_result(run, response)
            recording.fail(run, error)

    # -- tools -------------------------------------------------------------------------------------

    @_guard
    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        name = run_name(more.get("name"), serialized, "tool")
        call = {"tool_call_id": more["tool_call_id"]} if more.get("tool_call_id") else None
        given = {"input": input_str if inputs is None else inputs}
        self._start(
            name,
            "tool",
            given,
            call=call,
            run_id=run_id,
            parent_run_id=parent_run_id,
            tags=tags,
            metadata=metadata,
        )

    @_guard
    def on_tool_end(self, output: Any, *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.put_tool_result(run, output)
            runs.end(run)

    @_guard
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.fail(run, error)

    # -- retrievers --------------------------------------------------------------------------------

    @_guard
    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        name = run_name(more.get("name"), serialized, "retriever")
        self._start(
            name,
            "retriever",
            {"input": query},
            run_id=run_id,
            parent_run_id=parent_run_id,
            tags=tags,
            metadata=metadata,
        )

    @_guard
    def on_retriever_end(
        self, documents: "Sequence[Document]", *, run_id: UUID, **_more: Any
    ) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.put(run, output=documents)
            runs.end(run)

    @_guard
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            recording.fail(run, error)

    # -- the rest ----------------------------------------------------------------------------------

    @_guard
    def on_retry(self, retry_state: "RetryCallState", *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            attempt = retry_state.attempt_number
            run.observation.create_event(name="retry", metadata={"attempt": attempt})

    @_guard
    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **_more: Any) -> None:
        run = runs.open(run_id)
        if run is not None:
            given = messages.readable(data) if recording.captures(run) else None
            run.observation.create_event(name=name, input=given)

    # -- starting ----------------------------------------------------------------------------------

    def _start(
        self, name: str, kind: str, given: dict[str, Any], *, run_id: UUID, **told: Any
    ) -> Run | None:
        """Begins a run; None where nothing is traced, or where another handler began it."""
        provider = self._provider()
        if provider is None or not provider.enabled or runs.find(run_id) is not None:
            return None
        if provider.capture_io:
            given["input"] = messages.readable(given.get("input"))
        else:
            given.pop("input", None)
        run = begin(
            provider,
            run_id=run_id,
            name=name,
            kind=kind,
            given=given,
            trace_context=self.trace_context,
            **told,
        )
        if run.parent is None:
            self.last_trace_id = run.observation.trace_id
        return run

    def _start_model(
        self, serialized: dict[str, Any] | None, asked: object, more: dict[str, Any], **told: Any
    ) -> None:
        params = more.get("invocation_params") or {}
        tools = models.tools_in(params)
        if tools is not None:
            asked = {"messages": messages.readable(asked), "tools": tools}
        name = run_name(more.get("name"), serialized, "model")
        run = self._start(name, "generation", {"input": asked}, **told)
        if run is not None:
            models.describe(run.observation, told["metadata"] or {}, params, serialized)

    def _provider(self) -> "TracerProvider | None":
        if self.public_key is not None:
            chosen = runtime.by_key.get(self.public_key)
            if chosen is not None:
                return chosen
            log.warn(
                "langchain:public_key",
                "there is no client with public key %.40r; the default one is used",
                self.public_key,
            )
        provider = runtime.default or runtime.provider()
        if runtime.several and provider is not None:
            current = parents.current()
            return provider if current is None else current._provider
        return provider
