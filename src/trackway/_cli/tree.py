"""A trace as a tree: kind, name, latency, tokens and cost of every observation, failures marked.

Any depth and any shape of parents is drawn: observations whose parent is not there stand at the top, and a ring of
parents is cut where it is first met.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from trackway._cli.show import NARROWEST, Fact, cost, print_facts, print_notes
from trackway._cli.words import UNPRICED, ago, clean, count, elapsed, moment, money
from trackway._store.models import Observation, Trace

__all__ = ["branches", "head", "print_tree"]

# What costs money: without a price it is unpriced, and a plain span is not.
BILLABLE: Final = frozenset({"GENERATION", "EMBEDDING"})
KIND_STYLES: Final = {
    "GENERATION": "magenta", "EMBEDDING": "magenta", "AGENT": "cyan", "CHAIN": "cyan",
    "TOOL": "blue", "RETRIEVER": "blue", "EVALUATOR": "green", "GUARDRAIL": "green",
}  # fmt: skip
# Deeper branches are not indented any further: the name would be gone.
DEEPEST: Final = 8
LONGEST_VALUE: Final = 2_000
TITLES: Final = ("Latency", "Tokens in/out", "Cost")
GAP: Final = "  "


class Guides(NamedTuple):
    """The pieces that lines are drawn with."""

    fork: str
    last: str
    line: str
    blank: str
    fault: str


LINES: Final = Guides("├─ ", "└─ ", "│  ", "   ", "✗ ")
ASCII: Final = Guides("+- ", "`- ", "|  ", "   ", "x ")


@dataclass(frozen=True, slots=True)
class Branch:
    """An observation with its place in the tree."""

    observation: Observation
    lasts: tuple[bool, ...]
    """For each level from the top down to this one: whether no sibling follows. Empty at the top."""
    has_children: bool


def branches(observations: Sequence[Observation]) -> Iterator[Branch]:
    """Every observation once, each after its parent, siblings by start."""
    known = {observation.id for observation in observations}
    children: dict[str | None, list[Observation]] = defaultdict(list)
    for observation in observations:
        parent = observation.parent_observation_id
        children[parent if parent in known else None].append(observation)
    seen: set[str] = set()
    for start in (*children.get(None, ()), *observations):
        waiting: list[tuple[Observation, tuple[bool, ...]]] = [(start, ())]
        while waiting:
            observation, lasts = waiting.pop()
            if observation.id in seen:
                continue
            seen.add(observation.id)
            below = [child for child in children.get(observation.id, ()) if child.id not in seen]
            yield Branch(observation, lasts, has_children=bool(below))
            waiting.extend(
                (child, (*lasts, index == 0)) for index, child in enumerate(reversed(below))
            )


def print_tree(console: Console, trace: Trace, *, now: datetime, io: bool, limit: int) -> None:
    """The head, then the tree; beyond *limit* observations it says how many are left out."""
    guides = ASCII if console.options.ascii_only else LINES
    title = Text(clean(trace.name or "(no name)"), style="bold")
    if trace.status == "ERROR":
        title.append(f"  {guides.fault}failed", style="bold red")
    console.print(title)
    print_facts(console, head(trace, now))
    console.print()
    drawn = list(branches(trace.observations))
    lines = [_Line(branch, trace, guides) for branch in drawn[:limit]]
    room = _Room.of(lines, console.width)
    console.print(room.line(Text(), *TITLES, style="bold"))
    for line in lines:
        console.print(room.line(line.left, *line.right))
        _print_below(console, line, io=io)
    costs = [(line.observation.total_cost_exact, True) for line in lines if line.billable]
    print_notes(console, [(trace.total_cost_exact, trace.cost_complete), *costs])
    if len(drawn) > limit:
        more = len(drawn) - limit
        console.print(
            Text(f"… and {count(more)} more: --limit {len(drawn)}, or --json", style="dim")
        )


def head(trace: Trace, now: datetime) -> list[Fact]:
    """What is said above the tree."""
    inputs, outputs = count(trace.input_tokens), count(trace.output_tokens)
    tokens = f"{count(trace.total_tokens)} ({inputs} in, {outputs} out)"
    return [
        ("trace", trace.id),
        ("project", trace.project),
        ("user", trace.user_id),
        ("session", trace.session_id),
        ("when", f"{moment(trace.timestamp)}, {ago(trace.timestamp, now)}"),
        ("took", elapsed(trace.latency)),
        ("tokens", tokens if trace.total_tokens else None),
        ("cost", cost(trace.total_cost_exact, complete=trace.cost_complete)),
        ("tags", ", ".join(trace.tags) or None),
        ("release", trace.release),
        ("version", trace.version),
        ("environment", trace.environment),
        ("metadata", _pairs(trace.metadata, "=") or None),
        ("scores", _pairs(trace.scores, " ") or None),
    ]


class _Line:
    """What is said of one observation: the branch with its name, and the figures at the right."""

    def __init__(self, branch: Branch, trace: Trace, guides: Guides) -> None:
        self.observation = observation = branch.observation
        self.billable = observation.type in BILLABLE
        *above, last = branch.lasts or (True,)
        before = _indent(above, guides)
        fork = (guides.last if last else guides.fork) if branch.lasts else ""
        here = [*above, last] if branch.lasts else []
        self.below = _indent(here, guides) + (guides.line if branch.has_children else guides.blank)
        self.left = Text.assemble((before + fork, "dim"), *self._name(trace, guides))
        self.right = (elapsed(observation.latency), self._tokens(), self._cost())

    def _name(self, trace: Trace, guides: Guides) -> Iterator[tuple[str, str]]:
        observation = self.observation
        failed = observation.status == "ERROR"
        if failed:
            yield guides.fault, "bold red"
        yield f"{observation.type.lower()} ", KIND_STYLES.get(observation.type, "dim")
        yield clean(observation.name), "red" if failed else ""
        if observation.level == "WARNING":
            yield " (warning)", "yellow"
        if observation.model is not None:
            yield f" · {clean(observation.model)}", "dim"
        if observation.user_id is not None and observation.user_id != trace.user_id:
            yield f" · user {clean(observation.user_id)}", "yellow"

    def _tokens(self) -> str:
        inputs, outputs = self.observation.input_tokens, self.observation.output_tokens
        if inputs is None and outputs is None:
            total = self.observation.total_tokens
            return "" if total is None else count(total)
        return f"{count(inputs or 0)}/{count(outputs or 0)}"

    def _cost(self) -> str:
        amount = self.observation.total_cost_exact
        return money(amount) if self.billable or amount is not None else ""


class _Room(NamedTuple):
    """How wide the parts of a line are."""

    left: int
    right: tuple[int, ...]

    @classmethod
    def of(cls, lines: Sequence[_Line], width: int) -> "_Room":
        cells = [TITLES, *(line.right for line in lines)]
        right = tuple(max(map(cell_len, column)) for column in zip(*cells, strict=True))
        longest = max((line.left.cell_len for line in lines), default=0)
        return cls(max(min(longest, width - sum(right) - len(GAP) * len(right)), NARROWEST), right)

    def line(self, left: Text, *right: str, style: str = "") -> Text:
        made = left.copy()
        made.truncate(self.left, overflow="ellipsis", pad=True)
        for cell, width in zip(right, self.right, strict=True):
            made.append(GAP + " " * (width - cell_len(cell)))
            made.append(cell, style="yellow" if cell == UNPRICED else style)
        made.no_wrap, made.overflow = True, "crop"
        made.rstrip()
        return made


def _indent(lasts: Sequence[bool], guides: Guides) -> str:
    depth = len(lasts)
    if depth > DEEPEST:
        return f"[{depth + 1}] " + _indent(lasts[-2:], guides)
    return "".join(guides.blank if last else guides.line for last in lasts)


def _print_below(console: Console, line: _Line, *, io: bool) -> None:
    observation = line.observation
    below = (
        []
        if observation.status_message is None
        else [(observation.status_message, "red" if observation.level == "ERROR" else "yellow")]
    )
    if io:
        given = (("input ", observation.input), ("output ", observation.output))
        below += [(name + _readable(value), "dim") for name, value in given if value is not None]
    room = max(console.width - cell_len(line.below), NARROWEST)
    for text, style in below:
        for wrapped in Text(clean(text, lines=True), style=style).wrap(console, room):
            console.print(Text.assemble((line.below, "dim"), wrapped), no_wrap=True, crop=False)


def _readable(value: object) -> str:
    text = value if isinstance(value, str) else _json(value, orjson.OPT_INDENT_2)
    if len(text) <= LONGEST_VALUE:
        return text
    return (
        f"{text[:LONGEST_VALUE]}… ({count(len(text) - LONGEST_VALUE)} more characters: --json --io)"
    )


def _pairs(given: Mapping[str, object], between: str) -> str:
    return ", ".join(f"{key}{between}{_inline(value)}" for key, value in given.items())


def _inline(value: object) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else _json(value)


def _json(value: object, option: int = 0) -> str:
    return orjson.dumps(value, default=str, option=option).decode()
