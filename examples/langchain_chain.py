"""A chain of LangChain with a handler: each of its runs, for the user who asked, with model, tokens and tools.

Runs without a key: the model is one of `langchain-core`'s own, which says what it is told to. With a key, change the
line that is marked.
"""

import itertools

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool

from trackway import get_client, observe
from trackway.langchain import CallbackHandler

USAGE = {"input_tokens": 34, "output_tokens": 9, "total_tokens": 43}
ANSWER = AIMessage(
    "Order 17 is on its way.",
    usage_metadata=USAGE,
    response_metadata={"model_name": "gpt-4o-2024-08-06"},
)


# With a key: model = ChatOpenAI(model="gpt-4o")  (from langchain_openai import ChatOpenAI)
model = GenericFakeChatModel(messages=itertools.repeat(ANSWER))


@observe
def query(order: str) -> str:
    """Your own function: it becomes a child of the tool that calls it."""
    return f"order {order}: shipped"


@tool
def order_status(order: str) -> str:
    """Where an order is."""
    return query(order)


prompt = ChatPromptTemplate.from_messages(
    [("system", "Answer with what is known: {status}"), ("human", "{question}")]
)
status = RunnableLambda(lambda given: given["order"]) | order_status
chain = RunnablePassthrough.assign(status=status) | prompt | model | StrOutputParser()

handler = CallbackHandler()
for user, order in (("alice", "17"), ("bob", "18")):
    answer = chain.invoke(
        {"question": "Where is my order?", "order": order},
        config={
            "callbacks": [handler],
            "run_name": "support",
            "metadata": {"trackway_user_id": user, "trackway_session_id": f"chat-{order}"},
        },
    )
    print(f"{user}: {answer}")

print(get_client().get_trace_url(handler.last_trace_id))
