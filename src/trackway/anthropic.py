"""The Anthropic SDK, traced: each message is a generation with its user, model, blocks, usage and cost.

::

    from trackway.anthropic import Anthropic

    client = Anthropic()
    client.messages.create(model="claude-sonnet-5", max_tokens=200, messages=[…], trackway_user_id="alice")

`wrap(client)` traces one client (those for Bedrock and Vertex, too), `instrument()` all of them. What is recorded:
docs/anthropic.md.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from trackway._integrations import seam
from trackway._integrations.anthropic import family as _family

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic
else:
    Anthropic = seam.traced(_family.sdk().Anthropic, _family.ANTHROPIC)
    AsyncAnthropic = seam.traced(_family.sdk().AsyncAnthropic, _family.ANTHROPIC)

__all__ = ["Anthropic", "AsyncAnthropic", "instrument", "wrap"]

C = TypeVar("C")


def wrap(client: C) -> C:
    """Traces one client of the SDK, and gives it back; clients made from it by `with_options` are traced, too.

    To wrap it again changes nothing. Other clients stay as they are.

    Example:
        >>> import anthropic
        >>> from trackway.anthropic import wrap
        >>> client = wrap(anthropic.Anthropic(api_key="…"))
        >>> isinstance(client, anthropic.Anthropic)
        True
    """
    return seam.wrap(client, _family.ANTHROPIC)  # type: ignore[no-any-return]  # what it was given


def instrument() -> Callable[[], None]:
    """Traces every client of the SDK in this process, those of other libraries included; gives what undoes it.

    To call it again changes nothing; either result undoes it.

    Example:
        >>> from trackway.anthropic import instrument
        >>> undo = instrument()
        >>> undo()
    """
    return seam.instrument(_family.client_classes(), _family.ANTHROPIC)
