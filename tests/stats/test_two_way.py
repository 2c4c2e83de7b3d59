"""Rows freed from columns: additive least squares on a table with holes."""

from __future__ import annotations

import numpy as np
import pytest

from safescale.errors import DomainError, InsufficientData
from safescale.stats import two_way_effects


def holes(seed, rows=5, columns=30, share=0.6):
    rng = np.random.default_rng(seed)
    present = rng.random((rows, columns)) < share
    present[:, 0] = True
    return rng, present


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_dummy_variables(seed):
    """Second opinion: least squares on indicators of rows and columns."""
    rng, present = holes(seed)
    values = rng.random(present.shape)
    i, j = np.nonzero(present)
    design = np.zeros((len(i), 35))
    design[np.arange(len(i)), i], design[np.arange(len(i)), 5 + j] = 1, 1
    beta = np.linalg.lstsq(design, values[present], rcond=None)[0][:5]
    assert two_way_effects(values, present).row_effects == pytest.approx(beta - beta.mean(), abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_additive_comes_back_whatever_is_missing(seed):
    """Law: with no noise the effects are exact, however unevenly the columns were given to the rows."""
    rng, present = holes(seed)
    rows, columns = rng.normal(size=5), rng.normal(size=30)
    found = two_way_effects(rows[:, np.newaxis] + columns, present)
    assert found.row_effects == pytest.approx(rows - rows.mean(), abs=1e-10)
    assert not found.balanced


def test_a_whole_table_gives_row_means():
    values = np.random.default_rng(9).random((4, 7))
    found = two_way_effects(values, np.ones((4, 7), dtype=bool))
    assert found.row_effects == pytest.approx(values.mean(axis=1) - values.mean())
    assert (found.balanced, found.columns_used, found.values_used) == (True, 7, 28)


def test_a_column_of_one_row_compares_nothing():
    found = two_way_effects([[0.5, 0.9], [0.5, 0.0]], [[True, True], [True, False]])
    assert found.row_effects.tolist() == [0, 0]
    assert (found.columns_used, found.values_used) == (1, 2)


def test_refuses_rows_without_a_column_in_common():
    with pytest.raises(InsufficientData, match="3 rows fall into 2 parts"):
        two_way_effects(np.zeros((3, 3)), [[True, True, False], [True, False, False], [False, False, True]])


def test_refuses_other_shapes_one_row_and_what_is_not_a_number():
    with pytest.raises(DomainError, match="one shape"):
        two_way_effects(np.zeros((2, 3)), np.ones((3, 2), dtype=bool))
    with pytest.raises(InsufficientData, match="1 row"):
        two_way_effects(np.zeros((1, 3)), np.ones((1, 3), dtype=bool))
    with pytest.raises(DomainError, match="finite"):
        two_way_effects([[np.nan, 1], [0, 1]], np.ones((2, 2), dtype=bool))
