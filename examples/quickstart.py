"""One decorator, one block: who asked what, what it cost. Needs no key, no server, no network.

Run it twice with different names, then look: `python examples/quickstart.py alice; trackway users; trackway traces`
"""

import sys

from trackway import get_client, observe, propagate_attributes


@observe(as_type="generation")
def answer(question: str) -> str:
    """Where a model would be called. Usage and cost are recorded on the observation of this call."""
    get_client().update_current_generation(
        model="gpt-4o",
        usage_details={"input": 12, "output": 3},
        cost_details={"input": 0.00003, "output": 0.00003},
    )
    return f"An answer to {question!r}"


@observe(as_type="agent")
def assist(question: str) -> str:
    """A step around it; the generation becomes its child."""
    return answer(question)


if __name__ == "__main__":
    user = sys.argv[1] if len(sys.argv) > 1 else "alice"
    with propagate_attributes(user_id=user, session_id=f"{user}-1", tags=["quickstart"]):
        print(assist("What is a trackway?"))
