"""What looks for planted secrets finds them however they are written."""

import base64
import gzip
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.leaks.planted import planted
from tests.leaks.scan import scan

SECRET = "q7Rt2xVb9LmZ4k"


@pytest.mark.parametrize(
    "written",
    [
        lambda raw: b"key is " + raw,
        lambda raw: b'{"a": "{\\"k\\": \\"' + raw + b'\\"}"}',
        lambda raw: base64.b64encode(b"user:" + raw),
        lambda raw: base64.b64encode(b"ab" + raw + b" and more"),
        lambda raw: base64.b64encode(b"a" + raw + b" and more"),
        lambda raw: b"HTTP/1.1 400\r\n\r\n" + gzip.compress(b"a record with " + raw),
        lambda raw: gzip.compress(b"a record with " + raw)[:-9],
    ],
    ids=[
        "plain",
        "JSON in JSON",
        "base64",
        "base64 at 2",
        "base64 at 1",
        "gzip inside",
        "gzip cut",
    ],
)
def test_it_is_found(tmp_path: Path, written: Callable[[bytes], bytes]) -> None:
    """In a file as it is, in Base64 wherever it begins, and in what gzip packed, cut off or not."""
    (tmp_path / "record").write_bytes(written(SECRET.encode()))
    (tmp_path / "other").write_bytes(written(b"nothing of that kind"))
    found, _, _ = scan(tmp_path, {"secret": SECRET})
    assert {(each.name, each.path.name) for each in found} == {("secret", "record")}


def test_it_is_found_percent_encoded(tmp_path: Path) -> None:
    """What a URL would escape is found escaped."""
    (tmp_path / "url").write_text("https://example.org/?k=a%2Fb%2Bc%3Dd123")
    found, _, _ = scan(tmp_path, {"secret": "a/b+c=d123"})
    assert [each.form for each in found] == ["percent-encoded, plain"]


def test_it_is_found_in_parquet(tmp_path: Path) -> None:
    """In a column of a table, whatever packs it."""
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT now() AS t, repeat('x', 5000) || '{SECRET}' AS text FROM range(9))"
            f" TO '{tmp_path / 'part.parquet'}' (COMPRESSION zstd)"
        )
    found, _, closed = scan(tmp_path, {"secret": SECRET})
    assert "as it is, in Parquet" in {each.form for each in found}
    assert closed == []


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A file that is packed in a way that is not understood is no silence."""
    (tmp_path / "unknown").write_bytes(b"\x28\xb5\x2f\xfd rest")
    assert scan(tmp_path, {"secret": SECRET})[2] == [tmp_path / "unknown"]


def test_every_planted_secret_can_be_told() -> None:
    """No two are looked for by the same characters, and none by so few that chance writes them."""
    ends = planted()
    assert len(set(ends.values())) == len(ends)
    assert min(map(len, ends.values())) >= 14
