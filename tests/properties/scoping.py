"""Who an observation is for, as the documentation says it: a pure model that knows nothing of contexts.

A *scope* is a stack of frames, innermost first: blocks of `propagate_attributes`, observations that are current, and
what `set_user` said. It is handed from place to place by whoever runs a program, never looked up.

Rules (the docstrings of `propagate_attributes` and `set_user`):

1. An observation is for the innermost user of the scope in which it starts.
2. An observation without a user gets that of a block that is opened, or of a `set_user` that is said, while it is the
   current one and has not ended.
3. A user that was set holds to the end of the innermost block, or of the outermost observation that is open, whichever
   comes first; without any, as long as the scope. Where an observation ends inside of that, the one around it takes
   the user that was learnt, if it has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True, eq=False)
class Expected:
    """An observation, and the user that it must carry."""

    name: str
    user: str | None = None
    begun: bool = False
    ended: bool = False
    offered: set[str | None] = field(default_factory=set)
    """Of the blocks that were opened while it was current."""

    def adopt(self, user: str | None) -> None:
        if not self.ended:
            self.offered.add(user)
        if self.user is None and not self.ended:
            self.user = user


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame, and the scope that it stands on."""

    below: "Scope"
    kind: Literal["block", "observation", "learnt"]
    user: str | None = None
    observation: Expected | None = None
    until: "Frame | None" = None


Scope = Frame | None


def frames(scope: Scope) -> Iterator[Frame]:
    """Innermost first."""
    while scope is not None:
        yield scope
        scope = scope.below


def user_of(scope: Scope) -> str | None:
    """Whom an observation is for that starts here."""
    return next((frame.user for frame in frames(scope) if frame.user is not None), None)


def current(scope: Scope) -> Expected | None:
    """The innermost observation."""
    return next((f.observation for f in frames(scope) if f.observation is not None), None)


def in_block(scope: Scope, user: str | None) -> Frame:
    """A block is opened."""
    _adopt(scope, user)
    return Frame(scope, "block", user)


def in_observation(scope: Scope, observation: Expected) -> Frame:
    """An observation is made current."""
    return Frame(scope, "observation", observation=observation)


def learnt(scope: Scope, user: str | None) -> Scope:
    """`set_user` is called; with what is no user it does nothing."""
    if user is None:
        return scope
    _adopt(scope, user)
    return Frame(scope, "learnt", user, until=_bound(scope))


def left(now: Scope, frame: Frame) -> Scope:
    """The end of the block or observation *frame*, where the scope is *now*."""
    kept = [] if frame.kind == "block" else lasting(now, frame)
    return carried(frame.below, kept)


def lasting(now: Scope, frame: Frame) -> list[Frame]:
    """What was learnt inside *frame* and outlasts it, oldest first."""
    inside: list[Frame] = []
    for each in frames(now):
        if each is frame:
            return [f for f in reversed(inside) if f.kind == "learnt" and f.until is not frame]
        inside.append(each)
    raise AssertionError("the program left what it is not in")


def carried(scope: Scope, kept: list[Frame]) -> Scope:
    """*scope* with what was learnt further in."""
    if kept:
        _adopt(scope, kept[-1].user)
    for each in kept:
        scope = Frame(scope, "learnt", each.user, until=each.until)
    return scope


def _adopt(scope: Scope, user: str | None) -> None:
    observation = current(scope)
    if observation is not None:
        observation.adopt(user)


def _bound(scope: Scope) -> Frame | None:
    """The frame with which a user ends that is set here."""
    block = outermost = None
    outside = False
    for frame in frames(scope):
        if frame.kind == "block":
            block = block or frame
        elif frame.kind == "observation":
            outermost, outside = frame, block is not None
    return block if outermost is None or outside else outermost


class Cell:
    """The scope of one flow of control (of a task, a thread, a generator), and whether it may start threads."""

    __slots__ = ("scope", "threads")

    def __init__(self, scope: Scope = None, *, threads: bool = False) -> None:
        self.scope = scope
        self.threads = threads
