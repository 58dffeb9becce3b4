"""Whose call was it? The OpenAI drop-in: change one import, and say who asks.

With a key of your own: `pip install openai; OPENAI_API_KEY=sk-… python examples/openai_users.py; trackway users`
(`OPENAI_BASE_URL` and `OPENAI_MODEL` for any other server that speaks OpenAI's API.)
"""

import os

from trackway import observe, propagate_attributes
from trackway.openai import OpenAI

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")


@observe
def answer(client: OpenAI, question: str) -> str | None:
    """One request of an application: the call of the model becomes a child of this step."""
    completion = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": question}]
    )
    return completion.choices[0].message.content


if __name__ == "__main__":
    with OpenAI() as client:
        # The user of everything inside, however deep.
        for user, question in (
            ("alice", "What is six times seven?"),
            ("bob", "And seven times six?"),
        ):
            with propagate_attributes(user_id=user, session_id=f"{user}-1"):
                print(f"{user}: {answer(client, question)}")
        # Or of one call. The API sees neither key, and the rest of `metadata` as it is.
        embedded = client.embeddings.create(model="text-embedding-3-small", input=["six", "seven"])
        client.responses.create(
            model=MODEL,
            input="What is six times seven?",
            metadata={
                "trackway_user_id": "carol",
                "trackway_tags": "batch,nightly",
                "purpose": "demo",
            },
        )
        print(f"carol: {len(embedded.data)} embeddings")
