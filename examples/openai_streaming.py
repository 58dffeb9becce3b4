"""A streamed answer: read to its end, left early, and failing; each is recorded as what it was.

With a key of your own: `OPENAI_API_KEY=sk-… python examples/openai_streaming.py; trackway traces`
"""

import os

from trackway import propagate_attributes
from trackway.openai import OpenAI, openai

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o-mini")

if __name__ == "__main__":
    with OpenAI() as client, propagate_attributes(user_id="alice", trace_name="streaming"):
        for chunk in client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Tell me a story."}], stream=True
        ):
            if chunk.choices and chunk.choices[0].delta.content:
                print(chunk.choices[0].delta.content, end="", flush=True)
        print()
        # The SDK's helper, left after the first words: recorded with them, "closed before its end".
        with client.chat.completions.stream(
            model=MODEL, messages=[{"role": "user", "content": "Tell me another."}]
        ) as events:
            for event in events:
                if event.type == "content.delta" and event.delta:
                    print(f"{event.delta} …")
                    break
        try:
            client.with_options(base_url="http://127.0.0.1:9", max_retries=0).responses.create(
                model=MODEL, input="Is anybody there?", stream=True
            )
        except openai.APIConnectionError as error:
            print(f"failed, and recorded: {type(error).__name__}")
