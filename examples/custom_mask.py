"""A mask: what may be recorded is decided in the application, before anything is written.

python examples/custom_mask.py

Redaction finds keys and tokens by itself; what is personal in your data only you can tell.
"""

import re
from collections.abc import Mapping

from trackway import Trackway, observe
from trackway.testing import capture

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# Fields of our own records that never leave the process.
PRIVATE = frozenset({"phone", "address", "diagnosis"})


def mask(*, data: object) -> object:
    """*data* without e-mail addresses and private fields. Gets each input, output, metadata value and name."""
    if isinstance(data, str):
        return EMAIL.sub("<email>", data)
    if isinstance(data, Mapping):
        return {
            key: "<private>" if key in PRIVATE else mask(data=value) for key, value in data.items()
        }
    if isinstance(data, list | tuple):
        return [mask(data=item) for item in data]
    return data


client = Trackway(mask=mask)


@observe(as_type="tool")
def look_up(question: str) -> dict[str, object]:
    """What a tool of the application gives to its caller, mask or not."""
    return {"name": "Zoë", "phone": "+33 1 23 45 67 89", "notes": [f"asked: {question}"]}


if __name__ == "__main__":
    with capture() as spans:
        record = look_up("Who is zoe@example.com?")
    print("the caller got", record["phone"])
    print("recorded input", spans[0]["input"])
    print("recorded output", spans[0]["output"])
