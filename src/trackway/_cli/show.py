"""Tables and blocks of facts: how the commands look on a terminal of 80 columns or more, and in a pipe.

All that comes from an application goes through `words.clean` and becomes a `Text`: neither the terminal nor rich finds
anything in it to obey.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trackway._cli.words import UNPRICED, clean, money

__all__ = [
    "Column",
    "Fact",
    "cost",
    "notes",
    "plain",
    "print_facts",
    "print_notes",
    "screen",
    "table",
]

Fact = tuple[str, Text | str | None]
# However narrow the terminal is, so much of a text is shown.
NARROWEST: Final = 16


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it is called, which side its cells keep to, whether it gives way where the line is too short."""

    title: str
    side: Literal["left", "right"] = "left"
    gives_way: bool = False


def screen(file: TextIO | None = None) -> Console:
    """The terminal, or what stands for it: no colour in a pipe or under NO_COLOR, no markup, COLUMNS honoured."""
    return Console(file=file or sys.stdout, markup=False, emoji=False, highlight=False)


def plain(value: str | None, style: str = "", *, absent: str = "–") -> Text:
    """A cell with text of an application's, on one line, cut with an ellipsis where it must be."""
    if value is None:
        return Text(absent, style="dim")
    return Text(clean(value), style=style, no_wrap=True, overflow="ellipsis")


def cost(amount: Decimal | None, *, complete: bool) -> Text:
    """A cell with money; `unpriced` and `≥` stand out."""
    shown = money(amount, complete=complete)
    return Text(shown, style="" if complete and amount is not None else "yellow", no_wrap=True)


def table(columns: Sequence[Column], rows: Iterable[Sequence[Text | str]]) -> Table:
    """Rows under bold titles, without lines."""
    made = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", collapse_padding=True
    )
    for column in columns:
        no_wrap = not column.gives_way
        made.add_column(column.title, justify=column.side, no_wrap=no_wrap, overflow="ellipsis")
    for row in rows:
        made.add_row(*(Text(cell, no_wrap=True) if isinstance(cell, str) else cell for cell in row))
    return made


def print_facts(console: Console, given: Iterable[Fact]) -> None:
    """Names and values, one a line, long values wrapped beside their name; what is None is left out."""
    known = [(name, value) for name, value in given if value is not None]
    indent = max(len(name) for name, _ in known) + 2
    for name, value in known:
        text = Text(clean(value)) if isinstance(value, str) else value
        wrapped = text.wrap(console, max(console.width - indent, NARROWEST))
        for index, line in enumerate(wrapped):
            console.print(
                Text.assemble((f"{'' if index else name:<{indent}}", "dim"), line), soft_wrap=True
            )


def print_notes(console: Console, costs: Iterable[tuple[Decimal | None, bool]]) -> None:
    """Says below a table what must be said of the money in it."""
    said = notes(costs)
    if said:
        console.print()
    for note in said:
        console.print(note)


def notes(costs: Iterable[tuple[Decimal | None, bool]]) -> list[Text]:
    """What must be said below a table about the money in it."""
    seen = {(amount is None, complete) for amount, complete in costs}
    said = []
    if (False, False) in seen:
        said.append(Text("≥  some of it has no price", style="dim"))
    if any(unknown for unknown, _ in seen):
        said.append(Text(f"{UNPRICED}: no cost was recorded, and no price is known", style="dim"))
    return said
