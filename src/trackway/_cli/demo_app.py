"""The application of `trackway demo`: a shop's support assistant, traced with what any application can use.

Its models and carriers are made up: they wait a little and answer from a table. What it records is what a real one
would: users, sessions, models, tokens, costs, a failing tool, a failing conversation, and a job of the low-level kind
that ends nothing. The same seed gives the same users, ids, tokens and costs; only the clock differs.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from trackway import Trackway, get_client, observe, propagate_attributes
from trackway._core.propagate import Propagation

if TYPE_CHECKING:
    from trackway.types import TraceContext

__all__ = ["PROJECT", "RELEASE", "SEED", "SeededIds", "first_id", "run"]

PROJECT: Final = "support-assistant"
RELEASE: Final = "2.4.1"
SEED: Final = 7

# US dollars for a million tokens in and out, as published in 2025; the small model runs on the shop's own machine.
PRICES: Final = {
    "gpt-4o": (2.5, 10.0),
    "gpt-4o-mini": (0.15, 0.6),
    "text-embedding-3-small": (0.02, 0.0),
}
OWN_MODEL: Final = "llama-3.1-8b-instruct"
LOST_ORDER: Final = 4711
NAME: Final = "support-chat"
DAYS: Final = 6
# The share of conversations that end in failure.
FAILING: Final = 0.07
REASON: Final = "TimeoutError: no answer within 20 s"
# Who comes back, and on which plan; those who are there more often use it more.
REGULARS: Final = (
    ("alice", "pro"),
    ("alice", "pro"),
    ("bob", "free"),
    ("carol", "pro"),
    ("erin@example.com", "pro"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a user asks."""

    user: str | None
    session: str
    plan: str
    text: str
    answer: str
    order: int | None = None


QUESTIONS: Final = (
    Question("alice", "alice-1", "pro", "Where is order 1042?", "It left Lyon this morning.", 1042),
    Question("bob", "bob-1", "free", "How do I reset my password?", "Choose 'Forgot password'."),
    Question(
        "carol", "carol-1", "pro", "Compare the Uno and the Duo.", "The Duo steams milk. " * 9
    ),
    Question("dave", "dave-1", "free", "Where is order 4711?", "", LOST_ORDER),
    Question(None, "visitor-1", "free", "Do you ship to Norway?", "Yes, within five days."),
    Question("alice", "alice-1", "pro", "Can it go elsewhere?", "The carrier can keep it.", 1042),
    Question("erin@example.com", "erin-1", "pro", "Which filter fits the Duo?", "The F2."),
    Question("bob", "bob-1", "free", "And without my e-mail?", "Write with your invoice's number."),
)

HANDBOOK: Final = ("Orders leave within a day.", "Machines: Uno, Duo.", "We ship to 31 countries.")

_random: Final[ContextVar[Random]] = ContextVar("_random")


class SeededIds:
    """Ids that depend on the seed and the conversation alone, however the steps of several interleave."""

    @staticmethod
    def generate_span_id() -> int:
        """A span id."""
        return _random.get().getrandbits(64) or 1

    @staticmethod
    def generate_trace_id() -> int:
        """A trace id."""
        return _random.get().getrandbits(128) or 1


@contextmanager
def _seeded(seed: str) -> Iterator[Random]:
    random = Random(seed)  # noqa: S311 - made-up figures
    token = _random.set(random)
    yield random
    _random.reset(token)


def run(client: Trackway, seed: int, *, now: datetime) -> None:
    """Uses the application: a week of conversations, then some at this moment."""
    _past(client, seed, now)
    asyncio.run(_conversations(client, seed))
    with _seeded(f"{seed}:digest"):
        nightly_digest(client)


def first_id(seed: int) -> str:
    """The trace id of the first conversation of this moment."""
    return Trackway.create_trace_id(f"{seed}:0")


# -- the conversations of this moment --------------------------------------------------------------


@observe(as_type="embedding", name="embed", capture_output=False)
async def embed(text: str) -> list[float]:
    """Turns a text into a vector."""
    await _wait(0.02, 0.05)
    _spend("text-embedding-3-small", len(text) // 4 + 1, 0)
    return [0.0] * 8


@observe(as_type="retriever", name="search-handbook")
async def search_handbook(question: str) -> list[str]:
    """Finds what the handbook says."""
    await embed(question)
    await _wait(0.03, 0.09)
    return [*HANDBOOK]


@observe(as_type="tool", name="order-status")
async def order_status(order: int, attempt: int) -> dict[str, str]:
    """Asks the carrier, whose first answer is often none."""
    await _wait(0.05, 0.15)
    if order == LOST_ORDER:
        raise LookupError(f"the carrier knows no order {order}")
    if attempt == 1:
        raise TimeoutError("the carrier did not answer within 100 ms")
    return {"order": str(order), "state": "on its way"}


def _joined(parts: Iterable[object]) -> str:
    return "".join(map(str, parts))


@observe(as_type="generation", name="answer", transform_to_string=_joined)
async def write_answer(question: Question, documents: list[str]) -> AsyncIterator[str]:
    """Streams an answer from the model of the user's plan."""
    await _wait(0.2, 0.5)
    get_client().update_current_generation(completion_start_time=datetime.now(UTC))
    words = question.answer.split()
    for word in words:
        await asyncio.sleep(0.01)
        yield f"{word} "
    model = "gpt-4o" if question.plan == "pro" else "gpt-4o-mini"
    _spend(model, 380 + _random.get().randrange(500) + 12 * len(documents), 2 * len(words))


@observe(as_type="generation", name="title")
async def title(question: str) -> str:
    """Names the conversation with a small model of one's own, which has no price."""
    await _wait(0.05, 0.1)
    _spend(OWN_MODEL, len(question) // 4 + 40, 4)
    return question.rstrip("?").title()


async def reply(question: Question) -> str:
    """Answers one question."""
    documents = await search_handbook(question.text)
    if question.order is not None:
        documents.append(str(await _order(question.order)))
    parts = [part async for part in write_answer(question, documents)]
    if question.plan == "free":
        await title(question.text)
    helpful = round(_random.get().uniform(0.6, 1.0), 2)
    get_client().score_current_trace(name="helpful", value=helpful)
    return "".join(parts)


async def _order(order: int) -> dict[str, str]:
    try:
        return await order_status(order, attempt=1)
    except TimeoutError:
        return await order_status(order, attempt=2)


async def _conversations(client: Trackway, seed: int) -> None:
    """All at once, as a server would have them."""
    numbered = enumerate(QUESTIONS)
    await asyncio.gather(
        *(_conversation(client, question, f"{seed}:{number}") for number, question in numbered)
    )


async def _conversation(client: Trackway, question: Question, seed: str) -> None:
    root: TraceContext = {"trace_id": client.create_trace_id(seed)}
    with _seeded(seed), _of(question.user, question.session, question.plan):
        request = client.start_as_current_observation(
            name=NAME, as_type="agent", trace_context=root, input=question.text
        )
        with suppress(LookupError), request as chat:  # a web framework would answer with an error
            chat.update(output=await reply(question))


def _of(user: str | None, session: str, plan: str) -> Propagation:
    return propagate_attributes(
        user_id=user, session_id=session, tags=["web", plan], metadata={"plan": plan}
    )


async def _wait(shortest: float, longest: float) -> None:
    await asyncio.sleep(_random.get().uniform(shortest, longest))


def _spend(model: str, inputs: int, outputs: int) -> None:
    """Says which model the current observation used, how many tokens, and what they cost, where there is a price."""
    cost = _cost(model, inputs, outputs)
    usage = {"input": inputs, "output": outputs}
    get_client().update_current_generation(model=model, usage_details=usage, cost_details=cost)


def _cost(model: str, inputs: int, outputs: int) -> dict[str, float] | None:
    if model not in PRICES:
        return None
    price_in, price_out = PRICES[model]
    return {"input": inputs * price_in / 1e6, "output": outputs * price_out / 1e6}


# -- the week before -------------------------------------------------------------------------------


def _past(client: Trackway, seed: int, now: datetime) -> None:
    """Conversations of the last days, with times of their own, as when logs are read in."""
    with _seeded(f"{seed}:past") as random:
        for day in range(DAYS, 0, -1):
            for number in range(random.randrange(4, 10)):
                begun = now - timedelta(days=day, minutes=random.uniform(0, 600))
                user, plan = random.choice(REGULARS)
                with _of(user, f"{user}-{day}-{number}", plan):
                    _past_conversation(client, random, begun, plan)


def _past_conversation(client: Trackway, random: Random, begun: datetime, plan: str) -> None:
    model = "gpt-4o" if plan == "pro" else "gpt-4o-mini"
    inputs, outputs = random.randrange(300, 1_600), random.randrange(20, 320)
    searched = begun + timedelta(seconds=random.uniform(0.05, 0.2))
    failed = random.random() < FAILING
    ended = searched + timedelta(
        seconds=outputs * random.uniform(0.008, 0.015) + (20.0 if failed else 0.4)
    )
    question = random.choice(QUESTIONS)
    chat = client.start_observation(
        name=NAME, as_type="agent", start_time=begun, input=question.text
    )
    search = chat.start_observation(
        name="search-handbook", as_type="retriever", start_time=begun, input=question.text
    )
    search.update(output=[*HANDBOOK]).end(searched)
    answer = chat.start_observation(
        name="answer", as_type="generation", start_time=searched, model=model, input=question.text
    )
    if failed:
        answer.update(level="ERROR", status_message=REASON, cost_details={"total": 0.0}).end(ended)
        chat.update(level="ERROR", status_message=REASON).end(ended)
        return
    usage = {"input": inputs, "output": outputs}
    answer.update(
        output=question.answer, usage_details=usage, cost_details=_cost(model, inputs, outputs)
    )
    answer.end(ended)
    chat.update(output=question.answer).end(ended + timedelta(milliseconds=3))


def nightly_digest(client: Trackway) -> None:
    """A job that hands over what it did and ends nothing: handles are finished when they are let go."""
    digest = client.trace(
        name="nightly-digest",
        user_id="carol",
        session_id="digest",
        tags=["batch"],
        input={"orders": 212},
    )
    digest.generation(
        name="summarise",
        model="gpt-4o-mini",
        input="212 orders",
        output="Orders are up by 4 %.",
        usage={"input": 2_480, "output": 31, "input_cost": 0.000372, "output_cost": 0.0000186},
    )
