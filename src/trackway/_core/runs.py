r"""Keys that stand alone, without a word before them that tells: long runs of letters and digits that chance made.

Such a run is a key if it begins as a vendor's keys do that have no sign behind their prefix (`dapi…`), or if it has 32
characters or more and chance drew them: from capitals, small letters and digits, or from letters of one kind and
digits. What is like it and stays: what is hexadecimal, because ids and digests are; parts of paths, names and
addresses; Base64 over several lines or behind `base64,`; digests behind their name; public keys; addresses on a
blockchain; ids of files, playlists and messages that are as long.

The text is flattened first, each such character to one letter: a run is then found by a search for its least length, at
1 µs/KB. The kernel looks at every 31st byte instead.
"""

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["runs"]

_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/"
_FLAT: Final = bytes(0x61 if byte in _LETTERS else 0x20 for byte in range(256))
# The shortest of the prefixed keys below have so many characters.
_RUN: Final = b"a" * 31
_BACKSLASH: Final = 0x5C
_MARK: Final = b"[redacted: long random text]"

# By the first three characters: what such a key is as a whole, and its name.
_PREFIXED: Final[dict[bytes, tuple[tuple[bytes, bytes], ...]]] = {
    b"dap": ((rb"dapi[0-9a-f]{32}", b"databricks token"),),
    b"oy2": ((rb"oy2[a-z0-9]{43}", b"nuget key"),),
    b"cio": ((rb"cio[A-Za-z0-9]{32}", b"crates.io token"),),
    b"BSA": ((rb"BSA[\w-]{28}", b"brave key"),),
    b"AQV": ((rb"AQVN[\w-]{35,38}", b"yandex key"),),
    # The beginnings of private keys in DER.
    b"MII": ((rb"MII[A-Za-z0-9+/]{3}IBA(?:AKC|DANBgkqhkiG9w0BAQ)[A-Za-z0-9+/]{40,}", b"private key"),),
    b"MIG": ((rb"MIG[A-Za-z0-9+/]AgE[AB][A-Za-z0-9+/]{40,}", b"private key"),),
    b"MHc": ((rb"MHcCAQEE[A-Za-z0-9+/]{40,}", b"private key"),),
    b"MHQ": ((rb"MHQCAQEE[A-Za-z0-9+/]{40,}", b"private key"),),
    b"MC4": ((rb"MC4CAQAwBQYDK2Vw[A-Za-z0-9+/]{30,}", b"private key"),),
}  # fmt: skip

_SHORTEST: Final = 32
# A longer one is a picture, a signature or what a model encrypted.
_LONGEST: Final = 400
_FEW_DIGITS: Final = 3
# Of three alphabets, 62 % of the places are between two of them, with a deviation of 9 % in 32 characters; of small
# letters and digits 40 %, of Base32 30 %.
_CHANGES: Final = 0.38
_FEWEST_CHANGES: Final = 0.18
_change: Final = re.compile(rb"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_digit: Final = re.compile(rb"[0-9]")
_capital: Final = re.compile(rb"[A-Z]")
_small: Final = re.compile(rb"[a-z]")
_sign: Final = re.compile(rb"[_-]")
# What most long runs are: a word and a sign first, which drawn.py judges, a digest, or without two digits.
_ordinary: Final = re.compile(
    rb"(?:[A-Za-z]?[a-z0-9]{1,11}|[A-Z][A-Z0-9]{1,11})[_-]|[0-9a-f]++\Z|[^0-9]*+(?:[0-9][^0-9]*+)?\Z"
)
# Of which four letters at least are not hexadecimal, behind what may be a prefix in the other letters.
_two_alphabets: Final = re.compile(
    rb"(?:[A-Z]{2,6})?(?=(?:[0-9a-f]*+[g-z]){4})[a-z0-9]++\Z"
    rb"|(?:[a-z]{2,6})?(?=(?:[0-9A-F]*+[G-Z]){4})[A-Z0-9]++\Z"
)
# Words as in `xmlSecTransformHmacSha512Id`: they are most of a name.
_camel: Final = re.compile(rb"[A-Z][a-z]{2,}")
_word_of_a_path: Final = re.compile(rb"\A/|(?:\A|/)(?:[A-Za-z]?[a-z]{2,}|[a-z]{1,3})(?:/|\Z)")
# Addresses on a blockchain, public keys, ids of files, playlists and messages.
_address: Final = re.compile(
    rb"[1-9A-HJ-NP-Za-km-z]{43,44}\Z|[1-9A-HJ-NP-Za-km-z]{87,88}\Z|Qm[1-9A-HJ-NP-Za-km-z]{44}\Z|baf[yk]|bc1|addr1"
    rb"|[13T][1-9A-HJ-NP-Za-km-z]{31,33}\Z|G[A-Z2-7]{55}\Z|AAAA[BCE][23][NV]|1[\w-]{32}(?:[\w-]{11})?\Z|PL[\w-]{32}\Z"
    rb"|M(?:FkwEw|HYwEA|CowBQ|IGfMA|IIBIjAN|IICIjAN)|A[AQ][MQ]k|[A-Z][A-Za-z]ACAg|01[A-Z2-7]{32}\Z|E[ij]|ChIJ"
)
# What stands before a part of something longer: of a name, an address, a hash, an entity.
_BEFORE: Final = frozenset(b".@%$&#!")
_AFTER: Final = frozenset(b"(@%")
_digest: Final = re.compile(
    rb"(?i:sha-?[0-9]{1,3}[=: ]\"?|md5[=: ]|\bh1:|base64, ?|integrity=\"?)\Z"
)
# As wide as lines of Base64 are.
_LINE: Final = 60
_line_before: Final = re.compile(rb"[A-Za-z0-9+/]{60}(?:\\r|\r)?(?:\\n|\n)[ \t]{0,8}\Z")
_line_behind: Final = re.compile(
    rb"={0,2}(?:\\r|\r)?(?:\\n|\n)[ \t]{0,8}[A-Za-z0-9+/]{2,}+={0,2}(?:[\r\n\\\"']|\Z)"
)


def runs(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, mark) of each such key."""
    flat = data.translate(_FLAT)
    start = flat.find(_RUN)
    while start >= 0:
        end = flat.find(b" ", start)
        end = len(data) if end < 0 else end
        begin = start + _of_an_escape(data, start)
        if not _ordinary.match(data, begin, end) and (mark := _mark(data, begin, end)):
            yield begin, end, mark
        start = flat.find(_RUN, end)


def _of_an_escape(data: bytes, start: int) -> int:
    r"""How many characters at *start* belong to an escape of JSON, `\n` or `\u00e9`."""
    if not start or data[start - 1] != _BACKSLASH:
        return 0
    return 5 if data[start] == 0x75 else 1  # noqa: PLR2004 - a "u"


def _mark(data: bytes, start: int, end: int) -> bytes | None:
    before = data[start - 1] if start else 0x20
    if before in _BEFORE or (end < len(data) and data[end] in _AFTER):
        return None
    run = data[start:end]
    changes = len(_change.findall(run)) / (end - start)
    if changes < _FEWEST_CHANGES:
        return None
    for pattern, name in _PREFIXED.get(run[:3], ()):
        if re.fullmatch(pattern, run):
            return b"[redacted: " + name + b"]"
    if (
        _SHORTEST <= end - start <= _LONGEST
        and _is_drawn(run, changes)
        and not _is_part(data, start, end)
    ):
        return _MARK
    return None


def _is_drawn(run: bytes, changes: float) -> bool:
    """Whether chance drew *run* from three alphabets, or from letters of one kind and digits."""
    size = len(run)
    if len(_digit.findall(run)) < _FEW_DIGITS or _address.match(run):
        return False
    if _two_alphabets.match(run):
        return True
    return (
        changes >= _CHANGES
        and 6 * len(_capital.findall(run)) >= size
        and 6 * len(_small.findall(run)) >= size
        and 8 * len(_sign.findall(run)) <= size
        and 5 * len(_camel.sub(b"", run)) >= 2 * size
        and (b"/" not in run or not _word_of_a_path.search(run))
    )


def _is_part(data: bytes, start: int, end: int) -> bool:
    """Whether what stands around says that the run is a digest, data in lines, or the part of a name."""
    around = data[max(0, start - _LINE - 16) : start]
    return bool(
        (data[end : end + 1] == b"." and data[end + 1 : end + 2].isalnum())
        or _digest.search(around)
        or _line_before.search(around)
        or (end - start >= _LINE and _line_behind.match(data, end))
    )
