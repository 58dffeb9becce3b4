"""Refused spans are kept and can be read, whatever happened to the file."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery.deadletter import DeadLetter, DeadLetters


def letter(number: int, size: int = 10) -> DeadLetter:
    return DeadLetter(
        time_ns=number,
        reason="400",
        message="no",
        resource=b"r",
        scope=b"s",
        payload=b"%d:" % number + bytes(size),
    )


def letters_at(home: Path, quota: int | None = None) -> DeadLetters:
    return DeadLetters(home / "spool", "0123456789abcdef", quota)


def test_letters_come_back(home: Path) -> None:
    """What is put in comes out, oldest first."""
    letters = letters_at(home)
    for number in range(5):
        letters.put(letter(number))
    assert list(letters_at(home)) == [letter(number) for number in range(5)]


def test_nothing_is_there_at_first(home: Path) -> None:
    """Reading and removing without any letter does nothing."""
    letters = letters_at(home)
    assert list(letters) == []
    letters.remove([])
    assert not (home / "spool").exists()


def test_letters_are_removed_by_what_they_are(home: Path) -> None:
    """The letters that were sent go, the others stay."""
    letters = letters_at(home)
    for number in range(4):
        letters.put(letter(number))
    letters.remove([letter(1), letter(3)])
    assert list(letters) == [letter(0), letter(2)]


def test_a_line_that_was_cut_off_costs_itself_only(home: Path) -> None:
    """After a kill in the middle of a line the next letter is whole."""
    letters = letters_at(home)
    letters.put(letter(0))
    with (home / "spool/0123456789abcdef/rejected/letters.jsonl").open("ab") as file:
        file.write(b'{"time_ns": 1, "rea')
    letters.put(letter(2))
    assert list(letters) == [letter(0), letter(2)]


def test_letters_are_bounded(home: Path) -> None:
    """Letters take no more than a share of the quota; the oldest go first."""
    letters = letters_at(home, quota=1 << 20)
    for number in range(100):
        letters.put(letter(number, 50_000))
    folder = home / "spool/0123456789abcdef/rejected"
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 1 << 20
    kept = [found.time_ns for found in letters]
    assert kept == list(range(kept[0], 100))


def test_letters_are_private(home: Path) -> None:
    """Only this user can read what was refused."""
    letters_at(home).put(letter(0))
    folder = home / "spool/0123456789abcdef/rejected"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


@given(st.binary())
def test_parsing_never_raises(line: bytes) -> None:
    """Whatever a line holds, it is a letter or None."""
    found = DeadLetter.parse(line)
    assert found is None or DeadLetter.parse(found.line()) == found
