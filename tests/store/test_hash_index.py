"""HashIndex against a dict."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.store.hash_index import HashIndex, read_text_keys

KEYS = st.integers(0, 30) | st.sampled_from([0, 2**63, 2**64 - 1])
BATCHES = st.lists(st.lists(st.tuples(KEYS, st.integers(0, 2**64 - 1)), max_size=12), max_size=12)


def _arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([k for k, _ in pairs], dtype=np.uint64), np.array([v for _, v in pairs], dtype=np.uint64)


@given(BATCHES, st.lists(KEYS, max_size=20))
def test_agrees_with_a_dict(batches: list[list[tuple[int, int]]], asked: list[int]) -> None:
    index, known = HashIndex(), {}
    for pairs in batches:
        fresh = index.insert(*_arrays(pairs))
        expected = []
        for key, value in pairs:
            expected.append(key not in known)
            known.setdefault(key, value)
        assert fresh.tolist() == expected
        assert len(index) == len(known)
    found, values = index.lookup(np.array(asked, dtype=np.uint64))
    assert found.tolist() == [key in known for key in asked]
    assert values.tolist() == [known.get(key, 0) for key in asked]


@given(BATCHES, st.lists(st.tuples(KEYS, st.integers(0, 2**64 - 1)), max_size=12))
def test_assign_changes_only_what_is_there(batches: list[list[tuple[int, int]]], changes: list[tuple[int, int]]) -> None:
    index, known = HashIndex(), {}
    for pairs in batches:
        index.insert(*_arrays(pairs))
        for key, value in pairs:
            known.setdefault(key, value)
    index.assign(*_arrays(changes))
    known |= {key: value for key, value in changes if key in known}
    keys = np.array(sorted(known), dtype=np.uint64)
    found, values = index.lookup(keys)
    assert found.all()
    assert values.tolist() == [known[int(key)] for key in keys]


def test_a_million_keys_in_batches_stay_small() -> None:
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 2**64, 1_000_000, dtype=np.uint64)
    index = HashIndex()
    for start in range(0, len(keys), 8_000):
        assert index.insert(keys[start : start + 8_000], keys[start : start + 8_000]).all()
    assert len(index._levels) < 12
    assert sum(k.nbytes + v.nbytes for k, v in index._levels) == 16 * len(keys)
    found, values = index.lookup(keys[::-1])
    assert found.all()
    assert (values == keys[::-1]).all()


@given(st.lists(st.text(max_size=6), max_size=8), st.integers(0, 8))
def test_keys_of_texts_do_not_depend_on_slices_or_chunks(texts: list[str], cut: int) -> None:
    whole = pa.array(texts, pa.string())
    keys = read_text_keys(whole)
    assert len(set(keys.tolist())) == len(set(texts))
    assert read_text_keys(pa.chunked_array([whole.slice(0, cut), whole.slice(cut)], pa.string())).tolist() == keys.tolist()
    assert read_text_keys(whole.slice(min(cut, len(texts)))).tolist() == keys.tolist()[cut:]


def test_keys_of_texts_are_the_same_in_every_process() -> None:
    code = (
        "import pyarrow as pa; from safescale.store.hash_index import read_text_keys; "
        "print(read_text_keys(pa.array(['a', ''])).tolist())"
    )
    printed = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": s}).stdout
        for s in ("1", "2")
    }
    assert printed == {f"{read_text_keys(pa.array(['a', ''])).tolist()}\n"}


def test_refuses_null_texts() -> None:
    with pytest.raises(ValueError, match="must not be null"):
        read_text_keys(pa.array(["a", None]))
