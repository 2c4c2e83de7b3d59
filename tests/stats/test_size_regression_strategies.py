"""The strategies of this topic find the corners that they promise."""

from hypothesis import Phase, find, given, settings

from stats.size_regression_strategies import clustered_rows, grouped_rows, overlap, overlapping_counts, sized_counts

FINDING = settings(max_examples=500, derandomize=True, database=None, phases=[Phase.generate])


def test_counts_find_empty_full_and_single_trace_cells_and_repeated_sizes():
    for wanted in (
        lambda c: 0 in c[1],
        lambda c: any(k == n > 1 for k, n in zip(c[1], c[2], strict=True)),
        lambda c: 1 in c[2],
        lambda c: len(set(c[0])) < len(c[0]),
        lambda c: len(c[0]) == 8,
        lambda c: all(k == 0 for k in c[1]),
    ):
        find(sized_counts(), wanted, settings=FINDING)


@given(overlapping_counts())
def test_overlapping_counts_overlap(counts):
    assert overlap(*counts)
    assert any(0 < k < n for k, n in zip(counts[1], counts[2], strict=True))


def test_overlapping_counts_still_find_empty_and_full_cells():
    find(overlapping_counts(), lambda c: 0 in c[1], settings=FINDING)
    find(overlapping_counts(), lambda c: any(k == n for k, n in zip(c[1], c[2], strict=True)), settings=FINDING)


def test_grouped_rows_find_every_kind_of_group():
    def has(rows, distinct, equal):
        sizes, rates, groups = rows
        for g in set(groups):
            mine = [i for i, other in enumerate(groups) if other == g]
            if len({sizes[i] for i in mine}) == distinct and (len({rates[i] for i in mine}) == 1) == equal and len(mine) > 2:
                return True
        return False

    for distinct in (1, 2, 3):
        for equal in (True, False):
            find(grouped_rows(), lambda rows, d=distinct, e=equal: has(rows, d, e), settings=FINDING)
    find(grouped_rows(), lambda rows: sorted(rows[2]) != rows[2], settings=FINDING)


def test_clustered_rows_find_single_rows_and_three_columns():
    find(clustered_rows(), lambda rows: min(rows[2].count(c) for c in rows[2]) == 1, settings=FINDING)
    find(clustered_rows(), lambda rows: len(rows[0][0]) == 3, settings=FINDING)


def test_overlap_is_told_from_separation():
    assert not overlap([1, 2, 3], [0, 0, 4], [4, 4, 4])
    assert not overlap([1, 2, 3], [0, 2, 4], [4, 4, 4])
    assert not overlap([3, 2, 1], [0, 1, 1], [4, 4, 1])
    assert not overlap([1, 2, 3], [0, 0, 0], [4, 4, 4])
    assert overlap([1, 2, 3], [1, 2, 4], [4, 4, 4])
    assert overlap([1, 2, 3], [1, 4, 3], [4, 4, 4])
