"""Which attribute fills which column, in every dialect: the tables that `normalize.py` and `dialects.py` follow.

Our own names come first: most spans are ours. After them `langfuse.*` (its SDKs 3 to 5), OpenTelemetry's `gen_ai.*`
(also names that it has given up), OpenInference's `llm.*`.
"""

from typing import Final

from trackway._wire import attributes as names

# A text goes into its column as it is; of several names of one column the first that is there counts.
TEXTS: Final = (
    ("user_id", (names.USER_ID, names.LANGFUSE_USER_ID)),
    ("session_id", (names.SESSION_ID, names.LANGFUSE_SESSION_ID, names.GEN_AI_CONVERSATION_ID)),
    ("trace_name", (names.LANGFUSE_TRACE_NAME,)),
    ("environment", (names.LANGFUSE_ENVIRONMENT, names.DEPLOYMENT_ENVIRONMENT)),
    ("release", (names.LANGFUSE_RELEASE,)),
    ("version", (names.LANGFUSE_VERSION,)),
    ("level", (names.LANGFUSE_LEVEL,)),
    ("status_message", (names.LANGFUSE_STATUS_MESSAGE,)),
    (
        "model",
        (
            names.LANGFUSE_MODEL_NAME,
            names.GEN_AI_RESPONSE_MODEL,
            names.GEN_AI_REQUEST_MODEL,
            names.LLM_MODEL_NAME,
            names.EMBEDDING_MODEL_NAME,
            names.RERANKER_MODEL_NAME,
        ),
    ),
    (
        "provider",
        (names.GEN_AI_PROVIDER_NAME, names.GEN_AI_SYSTEM, names.LLM_PROVIDER, names.LLM_SYSTEM),
    ),
    (
        "model_parameters",
        (
            names.LLM_INVOCATION_PARAMETERS,
            names.EMBEDDING_INVOCATION_PARAMETERS,
            names.LANGFUSE_MODEL_PARAMETERS,
        ),
    ),
    ("prompt_name", (names.LANGFUSE_PROMPT_NAME, names.GEN_AI_PROMPT_NAME)),
    (
        "input",
        (
            names.INPUT_VALUE,
            names.LANGFUSE_OBSERVATION_INPUT,
            names.GEN_AI_INPUT_MESSAGES,
            names.GEN_AI_TOOL_CALL_ARGUMENTS,
            names.LANGFUSE_TRACE_INPUT,
        ),
    ),
    (
        "output",
        (
            names.OUTPUT_VALUE,
            names.LANGFUSE_OBSERVATION_OUTPUT,
            names.GEN_AI_OUTPUT_MESSAGES,
            names.GEN_AI_TOOL_CALL_RESULT,
            names.LANGFUSE_TRACE_OUTPUT,
        ),
    ),
    ("price_source", (names.TRACKWAY_PRICE_SOURCE,)),
    ("price_version", (names.TRACKWAY_PRICE_VERSION,)),
    ("input_mime_type", (names.INPUT_MIME_TYPE,)),
    ("output_mime_type", (names.OUTPUT_MIME_TYPE,)),
)
# Where the texts of a column come one message at a time: `prefix0.role`, `prefix0.content`, `prefix1.role` …
MESSAGES: Final = (
    ("input", (names.LLM_INPUT_MESSAGES_PREFIX, names.GEN_AI_PROMPT_PREFIX)),
    ("output", (names.LLM_OUTPUT_MESSAGES_PREFIX, names.GEN_AI_COMPLETION_PREFIX)),
)
# Inclusive counts of a call; of several names the first that holds a count.
SIDES: Final = (
    (
        "input",
        (
            names.GEN_AI_USAGE_INPUT_TOKENS,
            names.LLM_TOKEN_COUNT_PROMPT,
            names.GEN_AI_USAGE_PROMPT_TOKENS,
        ),
    ),
    (
        "output",
        (
            names.GEN_AI_USAGE_OUTPUT_TOKENS,
            names.LLM_TOKEN_COUNT_COMPLETION,
            names.GEN_AI_USAGE_COMPLETION_TOKENS,
        ),
    ),
)
# Parts of them: what was counted above already.
TOKENS: Final = (
    (
        "input_cached_tokens",
        (names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, names.LLM_TOKEN_COUNT_PROMPT_CACHE_READ),
    ),
    (
        "input_cache_creation",
        (
            names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
            names.LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE,
        ),
    ),
    (
        "output_reasoning_tokens",
        (names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, names.LLM_TOKEN_COUNT_COMPLETION_REASONING),
    ),
)
# US dollars as plain numbers.
COSTS: Final = (
    ("input", (names.LLM_COST_PROMPT,)),
    ("output", (names.LLM_COST_COMPLETION,)),
    ("total", (names.LLM_COST_TOTAL, names.GEN_AI_USAGE_COST)),
)
# The parameters of a call that OpenTelemetry gives a name of its own each.
PARAMETERS: Final = (
    names.GEN_AI_REQUEST_TEMPERATURE,
    names.GEN_AI_REQUEST_TOP_P,
    names.GEN_AI_REQUEST_TOP_K,
    names.GEN_AI_REQUEST_MAX_TOKENS,
    names.GEN_AI_REQUEST_FREQUENCY_PENALTY,
    names.GEN_AI_REQUEST_PRESENCE_PENALTY,
    names.GEN_AI_REQUEST_SEED,
    names.GEN_AI_REQUEST_CHOICE_COUNT,
    names.GEN_AI_REQUEST_STOP_SEQUENCES,
)
METADATA: Final = names.LANGFUSE_OBSERVATION_METADATA_PREFIX
TRACE_METADATA: Final = names.LANGFUSE_TRACE_METADATA_PREFIX
# What has a column, or says again what another attribute says; everything else stays as it is.
KNOWN: Final = frozenset(
    {
        *(name for table in (TEXTS, SIDES, TOKENS, COSTS) for _, several in table for name in several),
        *PARAMETERS,
        names.DEPLOYMENT_ENVIRONMENT, names.GEN_AI_OPERATION_NAME, names.GEN_AI_TIME_TO_FIRST_CHUNK,
        names.LANGFUSE_COMPLETION_START_TIME, names.LANGFUSE_COST_DETAILS, names.LANGFUSE_IS_APP_ROOT,
        names.LANGFUSE_OBSERVATION_METADATA, names.LANGFUSE_OBSERVATION_TYPE, names.LANGFUSE_PROMPT_VERSION,
        names.LANGFUSE_TRACE_TAGS, names.LANGFUSE_USAGE_DETAILS, names.LLM_TOKEN_COUNT_TOTAL, names.MLFLOW_LLM_COST,
        names.OPENINFERENCE_METADATA, names.OPENINFERENCE_SPAN_KIND, names.OPENINFERENCE_TAGS,
    }
)  # fmt: skip
