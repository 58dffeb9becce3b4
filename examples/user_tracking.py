"""Many users at once: every observation carries the right one, across tasks; then the store is asked about them."""

import asyncio

from trackway import get_client, observe, propagate_attributes, set_user

PRICES = {"gpt-4o": (2.5e-6, 10e-6), "gpt-4o-mini": (0.15e-6, 0.6e-6)}


@observe(as_type="generation")
async def complete(prompt: str, model: str) -> str:
    """A stand-in for a model's API: takes a moment, uses tokens, costs money."""
    await asyncio.sleep(0)
    used = {"input": len(prompt) // 4, "output": 20}
    price_in, price_out = PRICES[model]
    get_client().update_current_generation(
        model=model,
        usage_details=used,
        cost_details={"input": used["input"] * price_in, "output": used["output"] * price_out},
    )
    return "…"


@observe(as_type="chain")
async def summarise(text: str, model: str) -> str:
    """Two calls of a model for one request."""
    outline = await complete(f"Outline: {text}", model)
    return await complete(f"Summarise: {text} {outline}", model)


async def request(user: str, model: str) -> None:
    """One request: everything that happens below is for this user, also in tasks that it starts."""
    with propagate_attributes(user_id=user, tags=["production"], metadata={"plan": "gold"}):
        await summarise("A trackway is the line of footprints that one walker leaves. " * 3, model)


@observe
def authenticate(token: str) -> str:
    """Learns the user in the middle of a request: from here on it is theirs."""
    user = token.removeprefix("token-of-")
    set_user(user)
    return user


@observe(capture_input=False)
def late_request(token: str) -> None:
    """A request that does not know its user at the start; the observation around the helper gets it too."""
    authenticate(token)


async def main() -> None:
    """Serves a few users at the same time, then asks the embedded store who they were."""
    users = [
        ("alice", "gpt-4o"),
        ("bob", "gpt-4o-mini"),
        ("chloé", "gpt-4o"),
        ("alice", "gpt-4o-mini"),
    ]
    await asyncio.gather(*(request(user, model) for user, model in users))
    late_request("token-of-dmitri")

    client = get_client()
    for user in client.users.list(order_by="cost"):
        cost = "unpriced" if user.total_cost is None else f"${user.total_cost:.6f}"
        print(f"{user.user_id}: {user.traces} traces, {user.total_tokens} tokens, {cost}")
    for trace in client.get_traces(limit=10, filters={"user_id": "alice", "tags": ["production"]}):
        print(
            trace.name, f"{trace.latency:.4f} s", [o.model for o in trace.observations if o.model]
        )


if __name__ == "__main__":
    asyncio.run(main())
