"""The one table of names: every attribute that we write or read, by the vocabulary it comes from.

Constants named `…_PREFIX` are the beginning of names whose rest is the user's key or an index. The conventions for
`gen_ai.*` are moving to a repository of their own, and the published constants for them are deprecated, so the
strings stand here.
"""

# ruff: noqa: S105 - the tokens of these names are counted, not kept secret

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SCOPE_NAME: Final = "trackway"

# -- core: OpenTelemetry's general conventions -------------------------------------------------------------------------

USER_ID: Final = "user.id"
SESSION_ID: Final = "session.id"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
DEPLOYMENT_ENVIRONMENT: Final = "deployment.environment.name"
DEPLOYMENT_ENVIRONMENT_OLD: Final = (
    "deployment.environment"  # what semantic conventions before 1.27 call it
)
TELEMETRY_SDK_NAME: Final = "telemetry.sdk.name"
TELEMETRY_SDK_LANGUAGE: Final = "telemetry.sdk.language"
TELEMETRY_SDK_VERSION: Final = "telemetry.sdk.version"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
EXCEPTION_ESCAPED: Final = "exception.escaped"
ERROR_TYPE: Final = "error.type"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"

CORE: Final = (
    USER_ID,
    SESSION_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    DEPLOYMENT_ENVIRONMENT,
    DEPLOYMENT_ENVIRONMENT_OLD,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_VERSION,
    EXCEPTION_TYPE,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_ESCAPED,
    ERROR_TYPE,
    HTTP_RESPONSE_STATUS_CODE,
)

# -- langfuse ----------------------------------------------------------------------------------------------------------

LANGFUSE_TRACE_NAME: Final = "langfuse.trace.name"
LANGFUSE_TRACE_TAGS: Final = "langfuse.trace.tags"
LANGFUSE_TRACE_METADATA: Final = "langfuse.trace.metadata"
LANGFUSE_TRACE_METADATA_PREFIX: Final = "langfuse.trace.metadata."
LANGFUSE_TRACE_PUBLIC: Final = "langfuse.trace.public"
LANGFUSE_TRACE_INPUT: Final = "langfuse.trace.input"  # written by its SDKs up to 4
LANGFUSE_TRACE_OUTPUT: Final = "langfuse.trace.output"  # as above
LANGFUSE_USER_ID: Final = "langfuse.user.id"
LANGFUSE_SESSION_ID: Final = "langfuse.session.id"
LANGFUSE_OBSERVATION_TYPE: Final = "langfuse.observation.type"
LANGFUSE_OBSERVATION_INPUT: Final = "langfuse.observation.input"
LANGFUSE_OBSERVATION_OUTPUT: Final = "langfuse.observation.output"
LANGFUSE_OBSERVATION_METADATA: Final = "langfuse.observation.metadata"
LANGFUSE_OBSERVATION_METADATA_PREFIX: Final = "langfuse.observation.metadata."
LANGFUSE_LEVEL: Final = "langfuse.observation.level"
LANGFUSE_STATUS_MESSAGE: Final = "langfuse.observation.status_message"
LANGFUSE_MODEL_NAME: Final = "langfuse.observation.model.name"
LANGFUSE_MODEL_PARAMETERS: Final = "langfuse.observation.model.parameters"
LANGFUSE_USAGE_DETAILS: Final = "langfuse.observation.usage_details"
LANGFUSE_COST_DETAILS: Final = "langfuse.observation.cost_details"
LANGFUSE_COMPLETION_START_TIME: Final = "langfuse.observation.completion_start_time"
LANGFUSE_PROMPT_NAME: Final = "langfuse.observation.prompt.name"
LANGFUSE_PROMPT_VERSION: Final = "langfuse.observation.prompt.version"
LANGFUSE_ENVIRONMENT: Final = "langfuse.environment"
LANGFUSE_RELEASE: Final = "langfuse.release"
LANGFUSE_VERSION: Final = "langfuse.version"
LANGFUSE_IS_APP_ROOT: Final = "langfuse.internal.is_app_root"
LANGFUSE_AS_ROOT: Final = "langfuse.internal.as_root"

LANGFUSE: Final = (
    LANGFUSE_TRACE_NAME,
    LANGFUSE_TRACE_TAGS,
    LANGFUSE_TRACE_METADATA,
    LANGFUSE_TRACE_METADATA_PREFIX,
    LANGFUSE_TRACE_PUBLIC,
    LANGFUSE_TRACE_INPUT,
    LANGFUSE_TRACE_OUTPUT,
    LANGFUSE_USER_ID,
    LANGFUSE_SESSION_ID,
    LANGFUSE_OBSERVATION_TYPE,
    LANGFUSE_OBSERVATION_INPUT,
    LANGFUSE_OBSERVATION_OUTPUT,
    LANGFUSE_OBSERVATION_METADATA,
    LANGFUSE_OBSERVATION_METADATA_PREFIX,
    LANGFUSE_LEVEL,
    LANGFUSE_STATUS_MESSAGE,
    LANGFUSE_MODEL_NAME,
    LANGFUSE_MODEL_PARAMETERS,
    LANGFUSE_USAGE_DETAILS,
    LANGFUSE_COST_DETAILS,
    LANGFUSE_COMPLETION_START_TIME,
    LANGFUSE_PROMPT_NAME,
    LANGFUSE_PROMPT_VERSION,
    LANGFUSE_ENVIRONMENT,
    LANGFUSE_RELEASE,
    LANGFUSE_VERSION,
    LANGFUSE_IS_APP_ROOT,
    LANGFUSE_AS_ROOT,
)

# -- openinference (Phoenix, MLflow; Langfuse reads input and output here) ---------------------------------------------

OPENINFERENCE_SPAN_KIND: Final = "openinference.span.kind"
OPENINFERENCE_PROJECT_NAME: Final = "openinference.project.name"
OPENINFERENCE_TAGS: Final = "tag.tags"
OPENINFERENCE_METADATA: Final = "metadata"
INPUT_VALUE: Final = "input.value"
INPUT_MIME_TYPE: Final = "input.mime_type"
OUTPUT_VALUE: Final = "output.value"
OUTPUT_MIME_TYPE: Final = "output.mime_type"
LLM_MODEL_NAME: Final = "llm.model_name"
EMBEDDING_MODEL_NAME: Final = "embedding.model_name"
RERANKER_MODEL_NAME: Final = "reranker.model_name"
LLM_PROVIDER: Final = "llm.provider"
LLM_SYSTEM: Final = "llm.system"
LLM_INVOCATION_PARAMETERS: Final = "llm.invocation_parameters"
EMBEDDING_INVOCATION_PARAMETERS: Final = "embedding.invocation_parameters"
LLM_INPUT_MESSAGES_PREFIX: Final = "llm.input_messages."
LLM_OUTPUT_MESSAGES_PREFIX: Final = "llm.output_messages."
LLM_TOKEN_COUNT_PROMPT: Final = "llm.token_count.prompt"
LLM_TOKEN_COUNT_COMPLETION: Final = "llm.token_count.completion"
LLM_TOKEN_COUNT_TOTAL: Final = "llm.token_count.total"
LLM_TOKEN_COUNT_PROMPT_CACHE_READ: Final = "llm.token_count.prompt_details.cache_read"
LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE: Final = "llm.token_count.prompt_details.cache_write"
LLM_TOKEN_COUNT_PROMPT_AUDIO: Final = "llm.token_count.prompt_details.audio"
LLM_TOKEN_COUNT_COMPLETION_REASONING: Final = "llm.token_count.completion_details.reasoning"
LLM_TOKEN_COUNT_COMPLETION_AUDIO: Final = "llm.token_count.completion_details.audio"
LLM_COST_PROMPT: Final = "llm.cost.prompt"
LLM_COST_COMPLETION: Final = "llm.cost.completion"
LLM_COST_TOTAL: Final = "llm.cost.total"

OPENINFERENCE: Final = (
    OPENINFERENCE_SPAN_KIND,
    OPENINFERENCE_PROJECT_NAME,
    OPENINFERENCE_TAGS,
    OPENINFERENCE_METADATA,
    INPUT_VALUE,
    INPUT_MIME_TYPE,
    OUTPUT_VALUE,
    OUTPUT_MIME_TYPE,
    LLM_MODEL_NAME,
    EMBEDDING_MODEL_NAME,
    RERANKER_MODEL_NAME,
    LLM_PROVIDER,
    LLM_SYSTEM,
    LLM_INVOCATION_PARAMETERS,
    EMBEDDING_INVOCATION_PARAMETERS,
    LLM_INPUT_MESSAGES_PREFIX,
    LLM_OUTPUT_MESSAGES_PREFIX,
    LLM_TOKEN_COUNT_PROMPT,
    LLM_TOKEN_COUNT_COMPLETION,
    LLM_TOKEN_COUNT_TOTAL,
    LLM_TOKEN_COUNT_PROMPT_CACHE_READ,
    LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE,
    LLM_TOKEN_COUNT_PROMPT_AUDIO,
    LLM_TOKEN_COUNT_COMPLETION_REASONING,
    LLM_TOKEN_COUNT_COMPLETION_AUDIO,
    LLM_COST_PROMPT,
    LLM_COST_COMPLETION,
    LLM_COST_TOTAL,
)

# -- mlflow: the only cost it takes from a span ------------------------------------------------------------------------

MLFLOW_LLM_COST: Final = "mlflow.llm.cost"

MLFLOW: Final = (MLFLOW_LLM_COST,)

# -- genai: OpenTelemetry's conventions for generative AI --------------------------------------------------------------

GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_SYSTEM: Final = "gen_ai.system"  # the provider, before 1.37
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
GEN_AI_PROMPT_NAME: Final = "gen_ai.prompt.name"
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
GEN_AI_REQUEST_TOP_P: Final = "gen_ai.request.top_p"
GEN_AI_REQUEST_TOP_K: Final = "gen_ai.request.top_k"
GEN_AI_REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
GEN_AI_REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
GEN_AI_REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
GEN_AI_REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = (
    "gen_ai.usage.cache_write.input_tokens"  # newer; few read it
)
GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_USAGE_PROMPT_TOKENS: Final = "gen_ai.usage.prompt_tokens"  # input_tokens, before 1.27
GEN_AI_USAGE_COMPLETION_TOKENS: Final = (
    "gen_ai.usage.completion_tokens"  # output_tokens, before 1.27
)
OPENAI_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_SERVICE_TIER_OLD: Final = "gen_ai.openai.response.service_tier"  # before 1.37
GEN_AI_USAGE_COST: Final = "gen_ai.usage.cost"
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
GEN_AI_PROMPT_PREFIX: Final = (
    "gen_ai.prompt."  # messages by index, OpenLLMetry's; mind `gen_ai.prompt.name`
)
GEN_AI_COMPLETION_PREFIX: Final = "gen_ai.completion."  # as above
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
GEN_AI_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
GEN_AI_TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
GEN_AI_EVALUATION_NAME: Final = "gen_ai.evaluation.name"
GEN_AI_EVALUATION_SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
GEN_AI_EVALUATION_SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
GEN_AI_EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"

GENAI: Final = (
    GEN_AI_OPERATION_NAME,
    GEN_AI_PROVIDER_NAME,
    GEN_AI_SYSTEM,
    GEN_AI_CONVERSATION_ID,
    GEN_AI_AGENT_NAME,
    GEN_AI_PROMPT_NAME,
    GEN_AI_REQUEST_MODEL,
    GEN_AI_REQUEST_TEMPERATURE,
    GEN_AI_REQUEST_TOP_P,
    GEN_AI_REQUEST_TOP_K,
    GEN_AI_REQUEST_FREQUENCY_PENALTY,
    GEN_AI_REQUEST_PRESENCE_PENALTY,
    GEN_AI_REQUEST_MAX_TOKENS,
    GEN_AI_REQUEST_SEED,
    GEN_AI_REQUEST_CHOICE_COUNT,
    GEN_AI_REQUEST_STOP_SEQUENCES,
    GEN_AI_RESPONSE_MODEL,
    GEN_AI_RESPONSE_ID,
    GEN_AI_RESPONSE_FINISH_REASONS,
    GEN_AI_TIME_TO_FIRST_CHUNK,
    GEN_AI_USAGE_INPUT_TOKENS,
    GEN_AI_USAGE_OUTPUT_TOKENS,
    GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
    GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
    GEN_AI_USAGE_PROMPT_TOKENS,
    GEN_AI_USAGE_COMPLETION_TOKENS,
    OPENAI_SERVICE_TIER,
    OPENAI_SERVICE_TIER_OLD,
    GEN_AI_USAGE_COST,
    GEN_AI_INPUT_MESSAGES,
    GEN_AI_OUTPUT_MESSAGES,
    GEN_AI_SYSTEM_INSTRUCTIONS,
    GEN_AI_PROMPT_PREFIX,
    GEN_AI_COMPLETION_PREFIX,
    GEN_AI_TOOL_NAME,
    GEN_AI_TOOL_CALL_ID,
    GEN_AI_TOOL_CALL_ARGUMENTS,
    GEN_AI_TOOL_CALL_RESULT,
    GEN_AI_TOOL_DEFINITIONS,
    GEN_AI_EVALUATION_NAME,
    GEN_AI_EVALUATION_SCORE_VALUE,
    GEN_AI_EVALUATION_SCORE_LABEL,
    GEN_AI_EVALUATION_EXPLANATION,
)

# -- trackway: ours ----------------------------------------------------------------------------------------------------

TRACKWAY_PROJECT: Final = "trackway.project"
TRACKWAY_SCORE_ID: Final = "trackway.score.id"
TRACKWAY_SCORE_TRACE_ID: Final = "trackway.score.trace_id"
TRACKWAY_SCORE_OBSERVATION_ID: Final = "trackway.score.observation_id"
TRACKWAY_SCORE_SESSION_ID: Final = "trackway.score.session_id"
TRACKWAY_SCORE_DATA_TYPE: Final = "trackway.score.data_type"
TRACKWAY_SCORE_METADATA: Final = "trackway.score.metadata"
TRACKWAY_USAGE_RAW: Final = "trackway.usage.raw"  # JSON of what the provider sent
TRACKWAY_USAGE_DETAILS: Final = (
    "trackway.usage.details"  # the buckets, where Langfuse's are not written
)
TRACKWAY_USAGE_UNITS: Final = "trackway.usage.units"  # JSON of what is paid for and is no token
TRACKWAY_USAGE_DOUBTS: Final = "trackway.usage.doubts"  # what was said and cannot be
TRACKWAY_SERVICE_TIER: Final = "trackway.service_tier"
TRACKWAY_PRICE_SOURCE: Final = "trackway.price.source"
TRACKWAY_PRICE_VERSION: Final = "trackway.price.version"

TRACKWAY: Final = (
    TRACKWAY_PROJECT,
    TRACKWAY_SCORE_ID,
    TRACKWAY_SCORE_TRACE_ID,
    TRACKWAY_SCORE_OBSERVATION_ID,
    TRACKWAY_SCORE_SESSION_ID,
    TRACKWAY_SCORE_DATA_TYPE,
    TRACKWAY_SCORE_METADATA,
    TRACKWAY_USAGE_RAW,
    TRACKWAY_USAGE_DETAILS,
    TRACKWAY_USAGE_UNITS,
    TRACKWAY_USAGE_DOUBTS,
    TRACKWAY_SERVICE_TIER,
    TRACKWAY_PRICE_SOURCE,
    TRACKWAY_PRICE_VERSION,
)

SERVICE_TIERS: Final = (TRACKWAY_SERVICE_TIER, OPENAI_SERVICE_TIER, OPENAI_SERVICE_TIER_OLD)
"""How the service tier is told; the first that is there counts."""

DIALECTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "core": CORE,
        "langfuse": LANGFUSE,
        "openinference": OPENINFERENCE,
        "mlflow": MLFLOW,
        "genai": GENAI,
        "trackway": TRACKWAY,
    }
)
"""Whose word each name is."""

# -- kinds -------------------------------------------------------------------------------------------------------------

EVALUATION_SPAN_NAME: Final = "gen_ai.evaluation.result"
"""What a span is called that carries a score."""

OPENINFERENCE_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "span": "CHAIN",  # its word for any step of an application; without a kind Phoenix shows UNKNOWN
        "generation": "LLM",
        "agent": "AGENT",
        "tool": "TOOL",
        "chain": "CHAIN",
        "retriever": "RETRIEVER",
        "embedding": "EMBEDDING",
        "evaluator": "EVALUATOR",
        "guardrail": "GUARDRAIL",
    }
)
"""Kind of observation → `openinference.span.kind`; what is missing has none."""

GEN_AI_OPERATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "generation": "chat",
        "agent": "invoke_agent",
        "tool": "execute_tool",
        "retriever": "retrieval",
        "embedding": "embeddings",
    }
)
"""Kind of observation → `gen_ai.operation.name`; what is missing is no operation of a model."""
