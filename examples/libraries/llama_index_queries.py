"""LlamaIndex by OpenInference's instrumentation: a query over an index, for a user.

    pip install 'trackway[local]' llama-index-core llama-index-llms-openai openinference-instrumentation-llama-index
    OPENAI_API_KEY=sk-… python examples/libraries/llama_index_queries.py

`OPENAI_BASE_URL` names another server that speaks OpenAI's API.
"""

import os

from llama_index.core import Document, SummaryIndex
from llama_index.llms.openai import OpenAI
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.trace import TracerProvider

from trackway import get_client, observe, propagate_attributes


@observe
def answer(question: str) -> str:
    """Your code: what LlamaIndex does in here is below it."""
    llm = OpenAI(model="gpt-4o", api_base=os.environ.get("OPENAI_BASE_URL"))
    index = SummaryIndex.from_documents([Document(text="Returns are free for 30 days.")])
    return str(index.as_query_engine(llm=llm).query(question))


def main(provider: TracerProvider) -> None:
    """Traces through *provider*."""
    LlamaIndexInstrumentor().instrument(tracer_provider=provider)
    with propagate_attributes(user_id="alice", tags=["llama-index"]):
        print(answer("How long may I send it back?"))


if __name__ == "__main__":
    main(get_client().tracer_provider)
