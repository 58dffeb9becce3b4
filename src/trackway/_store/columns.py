"""Which attribute fills which column: the table that `normalize.py` follows."""

from typing import Final

from trackway._wire import attributes as names

# A text goes into its column as it is; of several names of one column the first that is there counts.
TEXTS: Final = (
    ("user_id", (names.USER_ID,)),
    ("session_id", (names.SESSION_ID,)),
    ("trace_name", (names.LANGFUSE_TRACE_NAME,)),
    ("environment", (names.LANGFUSE_ENVIRONMENT, names.DEPLOYMENT_ENVIRONMENT)),
    ("release", (names.LANGFUSE_RELEASE,)),
    ("version", (names.LANGFUSE_VERSION,)),
    ("level", (names.LANGFUSE_LEVEL,)),
    ("status_message", (names.LANGFUSE_STATUS_MESSAGE,)),
    ("model", (names.GEN_AI_RESPONSE_MODEL, names.GEN_AI_REQUEST_MODEL, names.LLM_MODEL_NAME)),
    ("provider", (names.GEN_AI_PROVIDER_NAME,)),
    ("model_parameters", (names.LLM_INVOCATION_PARAMETERS,)),
    ("prompt_name", (names.LANGFUSE_PROMPT_NAME, names.GEN_AI_PROMPT_NAME)),
    ("input", (names.INPUT_VALUE, names.GEN_AI_INPUT_MESSAGES)),
    ("output", (names.OUTPUT_VALUE, names.GEN_AI_OUTPUT_MESSAGES)),
    ("input_mime_type", (names.INPUT_MIME_TYPE,)),
    ("output_mime_type", (names.OUTPUT_MIME_TYPE,)),
)
TOKENS: Final = (
    (
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        names.LLM_TOKEN_COUNT_PROMPT_CACHE_READ,
        "input_cached_tokens",
    ),
    (
        names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
        names.LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE,
        "input_cache_creation",
    ),
    (
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
        names.LLM_TOKEN_COUNT_COMPLETION_REASONING,
        "output_reasoning_tokens",
    ),
)
METADATA: Final = names.LANGFUSE_OBSERVATION_METADATA_PREFIX
TRACE_METADATA: Final = names.LANGFUSE_TRACE_METADATA_PREFIX
# What has a column, or says again what another attribute says; everything else stays as it is.
KNOWN: Final = frozenset(
    {
        *(name for _, several in TEXTS for name in several),
        *(name for *several, _ in TOKENS for name in several),
        names.DEPLOYMENT_ENVIRONMENT, names.GEN_AI_OPERATION_NAME, names.GEN_AI_REQUEST_CHOICE_COUNT,
        names.GEN_AI_REQUEST_FREQUENCY_PENALTY, names.GEN_AI_REQUEST_MAX_TOKENS, names.GEN_AI_REQUEST_PRESENCE_PENALTY,
        names.GEN_AI_REQUEST_SEED, names.GEN_AI_REQUEST_STOP_SEQUENCES, names.GEN_AI_REQUEST_TEMPERATURE,
        names.GEN_AI_REQUEST_TOP_K, names.GEN_AI_REQUEST_TOP_P, names.GEN_AI_TIME_TO_FIRST_CHUNK,
        names.GEN_AI_USAGE_INPUT_TOKENS, names.GEN_AI_USAGE_OUTPUT_TOKENS, names.LANGFUSE_COMPLETION_START_TIME,
        names.LANGFUSE_COST_DETAILS, names.LANGFUSE_IS_APP_ROOT, names.LANGFUSE_OBSERVATION_TYPE,
        names.LANGFUSE_PROMPT_VERSION,
        names.LANGFUSE_TRACE_TAGS, names.LANGFUSE_USAGE_DETAILS, names.LLM_COST_TOTAL, names.LLM_TOKEN_COUNT_COMPLETION,
        names.LLM_TOKEN_COUNT_PROMPT, names.LLM_TOKEN_COUNT_TOTAL, names.MLFLOW_LLM_COST, names.OPENINFERENCE_METADATA,
        names.OPENINFERENCE_SPAN_KIND, names.OPENINFERENCE_TAGS,
    }
)  # fmt: skip
