"""The OpenAI SDK, traced: each call is a generation with its user, model, messages, usage and cost.

::

    from trackway.openai import openai          # or: from trackway.openai import OpenAI

    client = openai.OpenAI()
    client.chat.completions.create(model="gpt-4o", messages=[…], trackway_user_id="alice")

`openai` here is like the SDK's module, with clients and functions that are traced; the SDK itself stays untouched.
`wrap(client)` traces one client, `instrument()` all of them. It works with the SDK's releases 1, 2 and 3, whichever is
installed. What is recorded: docs/openai.md.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from trackway._integrations import seam
from trackway._integrations.openai import dropin
from trackway._integrations.openai.family import OPENAI as _FAMILY

if TYPE_CHECKING:
    import openai
    from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
else:
    openai = dropin.module()
    AsyncAzureOpenAI = openai.AsyncAzureOpenAI
    AsyncOpenAI = openai.AsyncOpenAI
    AzureOpenAI = openai.AzureOpenAI
    OpenAI = openai.OpenAI

__all__ = [
    "AsyncAzureOpenAI",
    "AsyncOpenAI",
    "AzureOpenAI",
    "OpenAI",
    "instrument",
    "openai",
    "wrap",
]

C = TypeVar("C")


def wrap(client: C) -> C:
    """Traces one client of the SDK, and gives it back; clients made from it by `with_options` are traced, too.

    To wrap it again changes nothing. Other clients stay as they are.

    Example:
        >>> import openai
        >>> from trackway.openai import wrap
        >>> client = wrap(openai.OpenAI(api_key="…"))
        >>> isinstance(client, openai.OpenAI)
        True
    """
    return seam.wrap(client, _FAMILY)  # type: ignore[no-any-return]  # what it was given


def instrument() -> Callable[[], None]:
    """Traces every client of the SDK in this process, those of other libraries included; gives what undoes it.

    To call it again changes nothing; either result undoes it.

    Example:
        >>> from trackway.openai import instrument
        >>> undo = instrument()
        >>> undo()
    """
    return seam.instrument(dropin.client_classes(), _FAMILY)
