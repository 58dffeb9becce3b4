"""Many users at once: one asynchronous client, a task a user, and each call is its user's.

With a key of your own: `OPENAI_API_KEY=sk-… python examples/openai_fan_out.py 5; trackway users`
"""

import asyncio
import os
import sys

from trackway import get_client, observe, propagate_attributes
from trackway.openai import AsyncOpenAI

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")


@observe
async def answer(client: AsyncOpenAI, question: str) -> str | None:
    """What a request handler would do."""
    completion = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": question}]
    )
    return completion.choices[0].message.content


async def request(client: AsyncOpenAI, user: str) -> str | None:
    """One request: the block ends with it, and no other task sees its user."""
    with propagate_attributes(user_id=user, tags=["fan-out"]):
        return await answer(client, f"Who am I, if not {user}?")


async def main(users: int) -> None:
    """All of them side by side."""
    async with AsyncOpenAI() as client:
        answers = await asyncio.gather(*(request(client, f"user-{n}") for n in range(users)))
    print(f"{len(answers)} answers, the first: {answers[0]}")
    await get_client().aflush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
