"""Lexical drift without weights: laws of the rows and of their distances."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.grade.embed import Embedder, cosine_distances, open_embedder, pair_distances
from safescale.grade.embed.hashed_ngrams import WIDTH, HashedNgrams

WORDS = ("zorble", "quindle", "no", "I", "cannot", "help", "with", "the", ",", ".", "NO", "Zorble", "\u00e9t\u00e9")
sentences = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
anything = st.one_of(sentences, st.text(max_size=30))


@pytest.fixture(scope="module")
def hashed() -> Embedder:
    return open_embedder("hashed-ngrams")


@given(texts=st.lists(anything, min_size=1, max_size=8))
def test_rows_have_length_one_and_one_shape(texts: list[str]) -> None:
    rows = HashedNgrams().embed(texts)
    assert rows.shape == (len(texts), WIDTH)
    assert rows.dtype == np.float32
    np.testing.assert_allclose((rows.astype(float) ** 2).sum(axis=1), 1.0, rtol=1e-6)


@given(texts=st.lists(anything, min_size=2, max_size=8), data=st.data())
def test_rows_do_not_depend_on_order_or_company(texts: list[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(texts))))
    rows = HashedNgrams().embed(texts)
    np.testing.assert_array_equal(HashedNgrams().embed([texts[at] for at in order]), rows[list(order)])
    np.testing.assert_array_equal(np.concatenate([HashedNgrams().embed([text]) for text in texts]), rows)


@given(first=anything, second=anything)
def test_distance_is_symmetric_within_0_and_2_and_0_for_equal_texts(first: str, second: str) -> None:
    hashed = HashedNgrams()
    there, back, same = pair_distances(hashed, [first, second, first], [second, first, first])
    assert there == back
    assert 0.0 <= there <= 2.0
    assert same == 0.0


@given(pairs=st.lists(st.tuples(st.none() | sentences, st.none() | sentences), max_size=12), at_once=st.integers(2, 6))
def test_distances_do_not_depend_on_how_many_texts_are_held_at_once(pairs: list[tuple[str, str]], at_once: int) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    hashed = HashedNgrams()
    found = pair_distances(hashed, first, second)
    np.testing.assert_array_equal(pair_distances(hashed, first, second, texts_at_once=at_once), found)
    assert list(np.isnan(found)) == [None in pair for pair in pairs]


def test_cosine_by_hand_from_words_and_pairs_that_are_shared(hashed: Embedder) -> None:
    # a b c against a b d: grams a, b, ab are shared of five each (a b c ab bc), so cos = 3/5 unless grams share a place
    found = pair_distances(hashed, ["zorble quindle framsel"], ["zorble quindle brimket"])
    assert found[0] == pytest.approx(1 - 3 / 5, abs=1e-6)
    # a a against a: grams a (twice: sqrt 2) and aa (once), against a: cos = sqrt(2)/sqrt(3)
    found = pair_distances(hashed, ["zorble zorble"], ["zorble"])
    assert found[0] == pytest.approx(1 - np.sqrt(2 / 3), abs=1e-6)


def test_place_and_sign_are_blake2b_of_the_gram_whatever_the_machine() -> None:
    digest = int.from_bytes(hashlib.blake2b(b"zorble", digest_size=8).digest(), "little")
    row = HashedNgrams().embed(["Zorble"])[0]
    assert np.flatnonzero(row).tolist() == [digest % WIDTH] == [1885]
    assert row[digest % WIDTH] == (1.0 if digest >> 63 else -1.0)
    rows = HashedNgrams().embed(["I cannot help with the zorble.", "Take three quindles, and fold them."])
    assert hashlib.sha256(rows.tobytes()).hexdigest() == "841568e99a3edd5a50a78409c1efa31e94e876b390b3644f1351116856ea6877"


def test_words_decide_and_not_meaning(hashed: Embedder) -> None:
    same_meaning, same_words = pair_distances(
        hashed,
        ["I cannot help with that zorble.", "I can help with that zorble."],
        ["Sorry, no assistance from me here.", "I cannot help with that zorble."],
    )
    assert same_meaning > 0.9  # which is why it is called lexical drift
    assert same_words < 0.5
    assert hashed.measure.startswith("lexical drift (hashed n-grams")
    assert "refusal" not in hashed.measure


def test_texts_are_cut_at_the_stated_number_of_words() -> None:
    few = HashedNgrams(max_tokens=3)
    assert pair_distances(few, ["a b c d e"], ["a b c x y"])[0] == 0.0
    assert pair_distances(HashedNgrams(max_tokens=4), ["a b c d e"], ["a b c x y"])[0] > 0.0
    assert "first 3 words" in few.measure
    assert few.identity != HashedNgrams().identity


def test_texts_without_a_word_are_equal_and_unlike_all_others(hashed: Embedder) -> None:
    blank, apart = pair_distances(hashed, ["", " \n"], ["  ", "zorble"])
    assert blank == 0.0
    assert apart == pytest.approx(1.0)


def test_refuses_what_it_cannot_compare(hashed: Embedder) -> None:
    with pytest.raises(DomainError, match="in pairs, got 1 and 2"):
        pair_distances(hashed, ["a"], ["a", "b"])
    with pytest.raises(DomainError, match="row 1 has length 0"):
        cosine_distances(np.eye(2, dtype=np.float32), np.diag([1.0, 0.0]).astype(np.float32))
    with pytest.raises(DomainError, match="one shape"):
        cosine_distances(np.eye(2, dtype=np.float32), np.eye(3, dtype=np.float32))
    with pytest.raises(DomainError, match="2 or more"):
        pair_distances(hashed, ["a"], ["b"], texts_at_once=1)
    with pytest.raises(DomainError, match="max_tokens"):
        open_embedder("hashed-ngrams", max_tokens=0)
    with pytest.raises(DomainError, match=r"'tfidf'.*hashed-ngrams, minilm, onnx:FOLDER, path:FOLDER"):
        open_embedder("tfidf")
