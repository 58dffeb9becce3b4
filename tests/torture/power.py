"""What a disk may hold after a power cut: a model of it that watches a real folder change.

Between two syncs the system writes back what it likes, when it likes. So every piece of a file holds what it held at
the last sync of that file or anything that it held since; the same goes for its size, and for each name, whose sync is
that of the folder. Any combination of these is a legal state. `Disk.look` is called after every line that the spool
runs, so stores into a mapping are seen one by one, in the order in which they are made.
"""

import itertools
import os
import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

Location = tuple[int, str]
"""The inode of a folder, and a name in it."""


@dataclass
class Node:
    """A file or folder, with all that it was since it was synced; the last of each list is what it is."""

    descriptor: int
    folder: bool
    places: list[Location | None] = field(default_factory=lambda: [None])
    sizes: list[int] = field(default_factory=lambda: [0])
    pieces: dict[int, list[bytes]] = field(default_factory=dict)
    content: bytes = b""

    def look(self, piece: int) -> bool:
        """Notes how the content has changed; whether it has."""
        content = os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0)
        if content == self.content:
            return False
        before, self.content = self.content, content
        if len(content) != self.sizes[-1]:
            self.sizes.append(len(content))
        for start in range(0, max(len(content), len(before)), piece):
            now = content[start : start + piece]
            if now != before[start : start + piece]:
                # What was never written reads as zeros, where the file is long enough.
                self.pieces.setdefault(start, [before[start : start + piece]]).append(now)
        return True

    def sync(self) -> None:
        """The content is on the disk."""
        self.sizes = self.sizes[-1:]
        self.pieces = {start: versions[-1:] for start, versions in self.pieces.items()}


class Disk:
    """What is below *base*, and what of it would survive; *piece* is what the disk writes as a whole."""

    def __init__(self, base: Path, piece: int) -> None:
        self.base = base
        self.piece = piece
        self._root = base.stat().st_ino
        self._nodes: dict[int, Node] = {}

    def look(self) -> bool:
        """Notes what has changed since the last look; whether anything has."""
        changed = False
        seen = set[int]()
        for parent, path in self._walk(self.base, self._root):
            try:
                inode = path.lstat().st_ino
                node = self._nodes.get(inode) or self._meet(path, inode)
            except FileNotFoundError:
                continue
            seen.add(inode)
            if node.places[-1] != (place := (parent, path.name)):
                node.places.append(place)
                changed = True
            changed |= not node.folder and node.look(self.piece)
        for inode, node in self._nodes.items():
            if inode not in seen and node.places[-1] is not None:
                node.places.append(None)
                changed = True
        return changed

    def data_synced(self, descriptor: int) -> None:
        """`sync_data` has returned."""
        self.look()
        if (node := self._nodes.get(os.fstat(descriptor).st_ino)) is not None:
            node.sync()

    def names_synced(self, folder: Path) -> None:
        """`sync_directory` has returned."""
        self.look()
        inode = folder.stat().st_ino
        for known, node in list(self._nodes.items()):
            if any(place is not None and place[0] == inode for place in node.places):
                node.places = node.places[-1:]
                if node.places == [None]:
                    os.close(self._nodes.pop(known).descriptor)

    def close(self) -> None:
        """Lets go of all files."""
        for node in self._nodes.values():
            os.close(node.descriptor)
        self._nodes.clear()

    def states(self, most: int, chance: random.Random) -> Iterator["State"]:
        """Every legal state if there are at most so many, else so many by chance, the extremes among them."""
        choices = list(self._choices())
        sizes = [range(n) for *_, n in choices]
        picks: Iterator[tuple[int, ...]]
        if prod(map(len, sizes)) <= most:
            picks = itertools.product(*sizes)
        else:
            picks = itertools.chain(
                [tuple(0 for _ in sizes), tuple(len(s) - 1 for s in sizes)],
                (tuple(self._pick(len(s), chance) for s in sizes) for _ in range(most - 2)),
            )
        for pick in picks:
            chosen = {choice[:2]: index for choice, index in zip(choices, pick, strict=True)}
            yield State(self._root, self._nodes, chosen)

    @staticmethod
    def _pick(size: int, chance: random.Random) -> int:
        """Most often nothing was written back, or all: two pieces of different age are what breaks things."""
        return chance.choice((0, 0, size - 1, size - 1, chance.randrange(size)))

    def _choices(self) -> Iterator[tuple[int, int, int]]:
        """What is undecided: inode; -1 for its name, -2 for its size, else the piece; among how many."""
        for inode, node in self._nodes.items():
            if len(node.places) > 1:
                yield inode, -1, len(node.places)
            if len(node.sizes) > 1:
                yield inode, -2, len(node.sizes)
            for start, versions in node.pieces.items():
                if len(versions) > 1:
                    yield inode, start, len(versions)

    def _walk(self, folder: Path, inode: int) -> Iterator[tuple[int, Path]]:
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            yield inode, folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(folder / entry.name, entry.inode())

    def _meet(self, path: Path, inode: int) -> Node:
        # Kept open: the number of a file that is gone would be given to the next one.
        descriptor = os.open(path, os.O_RDONLY)
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        node = self._nodes[inode] = Node(descriptor, folder)
        return node


@dataclass(frozen=True)
class State:
    """One of the things that the disk may hold; made into files by `build`."""

    root: int
    nodes: dict[int, Node]
    chosen: dict[tuple[int, int], int]

    def build(self, base: Path) -> None:
        """Writes this state below *base*, which is empty."""
        inside: dict[int, dict[str, int]] = {}
        for inode, node in self.nodes.items():
            place = node.places[self.chosen.get((inode, -1), -1)]
            if place is not None:
                inside.setdefault(place[0], {})[place[1]] = inode
        self._fill(base, self.root, inside)

    def _fill(self, folder: Path, inode: int, inside: dict[int, dict[str, int]]) -> None:
        for name, child in inside.get(inode, {}).items():
            if self.nodes[child].folder:
                (folder / name).mkdir(mode=0o700)
                self._fill(folder / name, child, inside)
            else:
                (folder / name).write_bytes(self._content(child))

    def _content(self, inode: int) -> bytes:
        node = self.nodes[inode]
        size = node.sizes[self.chosen.get((inode, -2), -1)]
        content = bytearray(node.content[:size].ljust(size, b"\0"))
        for start, versions in node.pieces.items():
            piece = versions[self.chosen.get((inode, start), -1)]
            if start < size and piece != content[start : start + len(piece)]:
                content[start : start + len(piece)] = piece[: size - start]
        return bytes(content)
