"""Mutations of a file: of its bytes, of its lines, of the values within its JSON, of the cells of its database or archive."""

from __future__ import annotations

import json
import random
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["ODD", "mutate"]

ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    0.5,
    10**30,
    -(2**63),
    float("nan"),
    float("inf"),
    "",
    " ",
    "1",
    "nan",
    "\ud800",
    "\x00",
    "\u2028",
    "é" * 300,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {"b": [1, {"c": None}]}},
    "../../../tmp/escape",
)
"""Values that stand where another is expected."""

_DEEP: Final = "[" * 3000 + "]" * 3000


def mutate(path: Path, draw: random.Random) -> None:
    """Change the file in place, in one to three ways."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        ways = _ways(path)
        draw.choice(ways)(path, draw)


Way = Callable[[Path, random.Random], None]


def _ways(path: Path) -> list[Way]:
    suffix = path.suffix
    if suffix in (".db", ".sqlite"):
        return [_bytes, _cell, _cell, _cell, _schema]
    if suffix == ".eval":
        return [_bytes, _member, _member, _member]
    if suffix == ".parquet":
        return [_bytes, _column, _column]
    if suffix in (".jsonl", ".ndjson"):
        return [_bytes, _lines, _line_value, _line_value, _line_value, _deep_line]
    if suffix == ".json":
        return [_bytes, _document_value, _document_value, _document_value, _document_value, _deep_document]
    return [_bytes, _lines, _csv_cell, _csv_cell]


def _bytes(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if not data:
        return
    way = draw.randrange(6)
    at = draw.randrange(len(data))
    if way == 0:
        data[at] ^= 1 << draw.randrange(8)
    elif way == 1:
        del data[at:]
    elif way == 2:
        data[at:at] = draw.choice((b"\x00", b"\xff", b"\n", b'"', b"{", b"]", b"\xef\xbb\xbf", b"NaN", b"1e999", b","))
    elif way == 3:
        del data[at : at + draw.randrange(1, 60)]
    elif way == 4:
        end = at + draw.randrange(1, 200)
        data[at:at] = data[at:end]
    else:
        data[:at] = b""
    path.write_bytes(bytes(data))


def _lines(path: Path, draw: random.Random) -> None:
    lines = path.read_bytes().split(b"\n")
    at = draw.randrange(len(lines))
    way = draw.randrange(5)
    if way == 0:
        lines[at:at] = [lines[at]]
    elif way == 1:
        del lines[at]
    elif way == 2:
        lines[at:at] = [draw.choice((b"", b"   ", b"[]", b"null", b"{}", b"7", b'"x"', b"# note"))]
    elif way == 3:
        draw.shuffle(lines)
    else:
        lines[at] = lines[at] + lines[draw.randrange(len(lines))]
    path.write_bytes(b"\n".join(lines))


def _line_value(path: Path, draw: random.Random) -> None:
    lines = path.read_bytes().split(b"\n")
    at = draw.randrange(len(lines))
    try:
        value = json.loads(lines[at])
    except (ValueError, RecursionError):
        return
    lines[at] = _dumped(_changed(value, draw))
    path.write_bytes(b"\n".join(lines))


def _document_value(path: Path, draw: random.Random) -> None:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return
    path.write_bytes(_dumped(_changed(value, draw)))


def _deep_line(path: Path, draw: random.Random) -> None:
    lines = path.read_bytes().split(b"\n")
    lines.insert(draw.randrange(len(lines)), b'{"a":' + _DEEP.encode() + b"}")
    path.write_bytes(b"\n".join(lines))


def _deep_document(path: Path, draw: random.Random) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    at = text.find(":", draw.randrange(max(1, len(text))))
    path.write_text(text[: at + 1] + _DEEP + "," + text[at + 1 :], encoding="utf-8", errors="replace")


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _changed(value: Any, draw: random.Random) -> Any:
    """The value with one place in it changed: replaced, removed, renamed or doubled."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any, depth: int = 0) -> None:
        if depth > 50:
            return
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key], depth + 1)

    if not isinstance(value, dict | list) or not value:
        return draw.choice(ODD)
    walk(value)
    node, key = draw.choice(places)
    way = draw.randrange(6)
    if way == 0:
        del node[key]
    elif way == 1 and isinstance(node, dict):
        node[draw.choice(("", "id", "label", "model", "x"))] = node.pop(key)
    elif way == 1:
        node.append(node[key])
    elif way == 2:
        other, name = draw.choice(places)
        if isinstance(other, dict) or (isinstance(name, int) and name < len(other)):
            node[key] = json.loads(json.dumps(other.get(name) if isinstance(other, dict) else other[name]))
    else:
        node[key] = draw.choice(ODD)
    return value


def _csv_cell(path: Path, draw: random.Random) -> None:
    lines = path.read_bytes().split(b"\n")
    at = draw.randrange(len(lines))
    cells = lines[at].split(b",")
    cells[draw.randrange(len(cells))] = draw.choice(
        (b"", b'"', b'""', b"'", b"\xff", b"\x00", b"nan", b"1e999", b'"a\nb"', b"a,b", b"\r", "é".encode(), b"-1", b"x" * 200_000)
    )
    lines[at] = b",".join(cells)
    path.write_bytes(b"\n".join(lines))


def _cell(path: Path, draw: random.Random) -> None:
    """Another value in one cell of one table."""
    try:
        connection = sqlite3.connect(path)
        tables = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if "sqlite" not in n]
        table = draw.choice(tables)
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        value = draw.choice((None, 0, -1, 2.5, "", "x", b"\xff\xfe", "\x00", "{", "[]", "nan", "9" * 40, '{"a": 1}', "true"))
        rows = [row for (row,) in connection.execute(f'SELECT rowid FROM "{table}"')]
        if rows:
            connection.execute(f'UPDATE "{table}" SET "{draw.choice(columns)}" = ? WHERE rowid = ?', (value, draw.choice(rows)))
        connection.commit()
    except (sqlite3.Error, IndexError, UnicodeError):
        pass
    finally:
        connection.close()


def _schema(path: Path, draw: random.Random) -> None:
    """A table or a column goes, or takes another name."""
    try:
        connection = sqlite3.connect(path)
        tables = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if "sqlite" not in n]
        table = draw.choice(tables)
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        statement = draw.choice(
            (
                f'DROP TABLE "{table}"',
                f'ALTER TABLE "{table}" RENAME TO "other"',
                f'ALTER TABLE "{table}" DROP COLUMN "{draw.choice(columns)}"',
                f'DELETE FROM "{table}"',
                f'INSERT INTO "{table}" SELECT * FROM "{table}"',
            )
        )
        connection.execute(statement)
        connection.commit()
    except (sqlite3.Error, IndexError, UnicodeError):
        pass
    finally:
        connection.close()


def _member(path: Path, draw: random.Random) -> None:
    """Another content or another name of one member of an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        return
    except Exception:  # zlib and struct errors of a damaged archive
        return
    if not members:
        return
    at = draw.randrange(len(members))
    name, data = members[at]
    way = draw.randrange(4)
    if way == 0:
        try:
            members[at] = (name, _dumped(_changed(json.loads(data), draw)))
        except (ValueError, RecursionError):
            return
    elif way == 1:
        members[at] = (draw.choice(("../../escape.json", "/tmp/escape.json", "C:\\escape.json", "samples/../../x.json")), data)
    elif way == 2:
        members[at] = (name, data[: draw.randrange(len(data) + 1)])
    else:
        del members[at]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in members:
            archive.writestr(other, content)


def _column(path: Path, draw: random.Random) -> None:
    """A column of another type, without a value, or gone."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        return
    if not table.num_columns:
        return
    at = draw.randrange(table.num_columns)
    name, rows = table.column_names[at], table.num_rows
    other: pa.Array | None = draw.choice(
        (
            None,
            pa.array([1.5] * rows),
            pa.array([None] * rows, pa.string()),
            pa.array([[1]] * rows),
            pa.array([{"a": 1}] * rows),
            pa.array([b"\xff"] * rows),
            pa.array([True] * rows),
            pa.array(["x"] * rows).dictionary_encode(),
            pa.nulls(rows),
        )
    )
    table = table.remove_column(at) if other is None else table.set_column(at, name, other)
    pq.write_table(table, path)
