r"""Made-up secrets in the formats that public scanners list, which nobody looked at when the rules were written.

Three files hold what their rules say of formats: `scanners.txt` those of kingfisher and Nosey Parker,
`detectors.txt`, read later, those of TruffleHog, Betterleaks, secretlint and Microsoft, `rulesets.txt`, read last,
those of Trivy, veles, Sonar, 2ms, Titus, LeakTK and others. There is one row for each rule that finds the secret
wherever it stands (*shaped*), one for each that wants the vendor's name nearby (*named*), and one for each that wants
words of its own around the secret, which the row then holds (*told*); the latter count as named, because that is how
their rules find them. *Again* are formats of the later files whose prefix our tables had when they were written. Left
out are rules for ids, users, hosts, public keys, hashes of passwords and what is no vendor's, and formats with fewer
than eight characters of chance. Where a rule gives no upper bound, the format has its lower one, or 20 characters.

Each rule falls by the hash of its name into one of two halves; in `rulesets.txt` the name is the vendor's. Both were
measured before any miss was looked at. Then what was missed of half A was looked at and mended; half B of the first two
files was opened when the next file had been measured, half B of `rulesets.txt` is counted, and never looked at. The
figures are in docs/values.md.

A format is written as in `vendors.py`, with more alphabets, and `\n` for the end of a line.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final

from tests._core.corpus import AROUND, clean_text
from tests._core.vendors import ALPHABETS, ASSIGNED

__all__ = ["Planted", "planted"]

ALL_ALPHABETS: Final = ALPHABETS | {
    "E": ascii_letters + digits + "+/=",
    "F": digits + "ABCDEF",
    "K": ascii_lowercase + "234567",
    "N": digits + "abcdefABCDEF",
    "P": ascii_letters + digits + ".-_",
    "Q": ascii_letters + digits + "-",
    "R": ascii_lowercase + digits + "-_",
    "S": ascii_lowercase,
    "Z": ascii_uppercase,
}
# The documented ways of writing (docs/values.md), and others that source and settings are full of.
DOCUMENTED: Final = tuple(style for style in ASSIGNED if "{name}" in style)
OTHERS: Final = (
    'os.environ["{name}"] = "{value}"', "'{name}' => '{value}',", '{name} := "{value}"',
    "- name: {name}\n  value: {value}", "ENV {name} {value}", '<add key="{name}" value="{value}" />',
    "<{name}>{value}</{name}>", 'settings.put("{name}", "{value}");', "const {name}: string = '{value}';",
    "run --{name} {value} --verbose", 'config.{name} = "{value}"', "| {name} | {value} |", "[{name}]={value}",
    "{name}:{value}", "  {name} = {value}  # from the console",
)  # fmt: skip
_PLACE: Final = re.compile(r"<(\d+) (\w)>")


@dataclass(frozen=True, slots=True)
class Planted:
    """A text with a secret in it."""

    kind: str
    half: str
    row: str
    style: str
    text: str
    secret: str
    """The part of it that tells it from its like."""


def planted(each: int, file: str = "scanners.txt") -> Iterator[Planted]:
    """*each* secrets of each format of *file*, from a seed."""
    kind = ""
    for line in (Path(__file__).parent / file).read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            name, form = re.split(r" {2,}", line, maxsplit=1)
            form = form.replace("\\n", "\n")
            r = Random(name + form)
            half = "AB"[hashlib.sha256(name.lower().encode()).digest()[0] & 1]
            for _ in range(each):
                value, secret = _made(r, form)
                for what, style, text in (
                    _named(r, name, value) if kind == "named" else _as_it_is(r, kind, value)
                ):
                    yield Planted(what, half, f"{name}  {form}", style, text, secret)


def _made(r: Random, form: str) -> tuple[str, str]:
    """A secret of the format, and its longest part that chance made."""
    parts: list[str] = []

    def some(place: re.Match[str]) -> str:
        parts.append("".join(r.choices(ALL_ALPHABETS[place[2]], k=int(place[1]))))
        return parts[-1]

    text = _PLACE.sub(some, form)
    return text, max(reversed(parts), key=len)


def _as_it_is(r: Random, kind: str, value: str) -> list[tuple[str, str, str]]:
    before, after = r.choice(AROUND)
    return [
        ("named" if kind == "told" else kind, before, f"{clean_text(r)} {before}{value}{after}")
    ]


def _named(r: Random, name: str, value: str) -> list[tuple[str, str, str]]:
    words = name.lower().split("_")
    camel = words[0] + "".join(word.title() for word in words[1:])
    spelled = (name, "_".join(words), camel, "-".join(words))[r.randrange(4)]
    documented, other = r.choice(DOCUMENTED), r.choice(OTHERS)
    return [
        (kind, style, style.format(name=spelled, value=value))
        for kind, style in (("named", documented), ("named otherwise", other))
    ]
