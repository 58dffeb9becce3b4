"""Looks for planted secrets in all files below a folder: `python -m tests.leaks.scan FOLDER` fails if one is there.

Each is looked for as it is, in Base64 (at each of three offsets) and percent-encoded; in files as they are, in what
gzip packed anywhere in them, and in the texts of Parquet. What is packed otherwise is named: it cannot be looked into.
"""

import base64
import re
import sys
import urllib.parse
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from tests.leaks.planted import planted

__all__ = ["Found", "scan"]

GZIP: Final = b"\x1f\x8b\x08"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
PARQUET: Final = b"PAR1"
# Every needle is one run of such characters, longer than its head.
HEAD: Final = 10
RUN: Final = re.compile(rb"[!-~]{10,}")
# What a compressed stream may become; nothing of the suite's is larger.
LARGEST: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A secret, and where it is."""

    name: str
    path: Path
    form: str


def forms(secret: str) -> dict[str, bytes]:
    """The bytes that a secret may be written as."""
    raw = secret.encode()
    found = {"as it is": raw}
    if (escaped := urllib.parse.quote(secret, safe="").encode()) != raw:
        found["percent-encoded"] = escaped
    for offset in range(3):
        # Of its Base64 at this offset, what does not depend on what stands around it.
        text = base64.b64encode(b"\0" * offset + raw)
        found[f"base64 at {offset}"] = text[4 if offset else 0 : len(text) - 4]
    return found


def scan(
    folder: Path, secrets: Mapping[str, str] | None = None
) -> tuple[list[Found], int, list[Path]]:
    """What is found below *folder*, how many bytes were looked at, and the files that cannot be looked into."""
    needles = {
        needle: (name, form)
        for name, secret in (planted() if secrets is None else secrets).items()
        for form, needle in forms(secret).items()
    }
    heads: dict[bytes, list[bytes]] = {}
    for needle in needles:
        heads.setdefault(needle[:HEAD], []).append(needle)
    found: list[Found] = []
    size, closed = 0, list[Path]()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if data.startswith(ZSTD):
            closed.append(path)
        for how, text in texts(path, data, closed):
            size += len(text)
            for hit in hits(text, heads):
                name, form = needles[hit]
                found.append(Found(name, path, f"{form}, {how}"))
    return found, size, closed


def hits(text: bytes, heads: Mapping[bytes, list[bytes]]) -> set[bytes]:
    """The needles in *text*. By their first bytes: a pattern of a thousand alternatives takes 4 s for a megabyte."""
    found: set[bytes] = set()
    for run in RUN.finditer(text):
        word = run[0]
        for at in range(len(word) - HEAD + 1):
            for needle in heads.get(word[at : at + HEAD], ()):
                if word.startswith(needle, at):
                    found.add(needle)
    return found


def texts(path: Path, data: bytes, closed: list[Path]) -> Iterator[tuple[str, bytes]]:
    """The bytes of a file, and what is packed in them; *closed* gets it if it cannot be unpacked."""
    yield "plain", data
    if data.startswith(PARQUET):
        try:
            yield "in Parquet", parquet(path)
        except duckdb.Error:  # tests damage some on purpose
            closed.append(path)
    at = data.find(GZIP)
    while at >= 0:
        unpacked = gunzip(data[at:])
        if unpacked:
            yield "in gzip", unpacked
        at = data.find(GZIP, at + 1)


def gunzip(data: bytes) -> bytes:
    """What a stream that begins here unpacks to, as far as it can be; nothing if it is none."""
    try:
        return zlib.decompressobj(31).decompress(data, LARGEST)
    except zlib.error:
        return b""


def parquet(path: Path) -> bytes:
    """Every column of every row, as text."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(?)", [str(path)]
        ).fetchall()
    return repr(rows).encode("utf-8", "surrogateescape")


def main() -> int:
    """Says what was found."""
    folder = Path(sys.argv[1])
    found, size, closed = scan(folder)
    for each in found[:200]:
        print(f"{each.name}: {each.path} ({each.form})")
    for path in closed:
        print(f"not looked into: {path}")
    print(f"{len(found)} planted secrets found in {size / 1e6:,.0f} MB below {folder}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
