"""Agreement with labels: every figure against a count by hand."""

import pytest

from linkweir.clicks.offline.label_accuracy import LabelAccuracy

HITS = [
    *[("machine", "machine", 0.95)] * 6,
    *[("machine", "unsure", 0.55)] * 2,
    *[("human", "human", 0.05)] * 9,
    ("human", "machine", 0.95),
    ("human", "prefetch", 1.0),
    ("human", "unsure", 0.55),
    ("prefetch", "prefetch", 0.98),
]


def test_figures_are_those_of_a_count_by_hand() -> None:
    """Precision, recall, people lost, Brier score and calibration are what their definitions give."""
    accuracy = LabelAccuracy()
    for hit in HITS:
        accuracy.add(*hit)
    assert (accuracy.clicks, accuracy.count_label("human"), accuracy.count_label("machine")) == (21, 12, 8)
    assert accuracy.precision("machine") == pytest.approx(6 / 7)
    assert accuracy.recall("machine") == pytest.approx(6 / 8)
    assert accuracy.precision("prefetch") == pytest.approx(1 / 2)
    assert accuracy.lost_people() == pytest.approx(2 / 12)
    squares = 6 * 0.05**2 + 2 * 0.45**2 + 9 * 0.05**2 + 0.95**2 + 1 + 0.55**2
    assert accuracy.brier_score() == pytest.approx(squares / 20)
    bins = list(accuracy.calibration())
    assert [one.clicks if one else 0 for one in bins] == [9, 0, 0, 0, 0, 3, 0, 0, 0, 8]
    assert bins[9] is not None
    assert bins[9].machine_share == pytest.approx(6 / 8)
    assert bins[9].mean_p_machine == pytest.approx((7 * 0.95 + 1) / 8)
    errors = 9 * 0.05 + 3 * abs(0.55 - 2 / 3) + 8 * abs((7 * 0.95 + 1) / 8 - 6 / 8)
    assert accuracy.calibration_error() == pytest.approx(errors / 20)


def test_nothing_is_known_without_labels() -> None:
    """Without labels no figure is made up."""
    accuracy = LabelAccuracy()
    found = [accuracy.precision("human"), accuracy.recall("human"), accuracy.lost_people(), accuracy.brier_score()]
    assert [*found, accuracy.calibration_error()] == [None] * 5
