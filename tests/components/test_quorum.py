"""What several regions together say, against a small reference."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.outcomes import Outcome
from components.quorum import agreed

UP, DEGRADED, DOWN, UNKNOWN = Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("outcomes", "needed", "together"),
    [
        ([], None, UNKNOWN),
        ([UNKNOWN, UNKNOWN], None, UNKNOWN),
        ([DOWN], None, DOWN),
        ([DOWN, UP], None, UP),  # half is no majority
        ([DOWN, DOWN, UP], None, DOWN),
        ([DOWN, DOWN, UP, UP], None, UP),
        ([DOWN, UNKNOWN, UNKNOWN], None, DOWN),  # silent regions speak neither for it nor against it
        ([DOWN, UP, UNKNOWN], None, UP),
        ([DOWN, DEGRADED, UP], None, DEGRADED),
        ([DEGRADED, UP, UP], None, UP),
        ([DOWN, UP, UP], 1, DOWN),
        ([DOWN, DOWN, UP], 3, UP),
        ([DOWN, DOWN, UNKNOWN], 3, UNKNOWN),  # the third would have to say so
        ([DOWN, DOWN, DOWN], 3, DOWN),
        ([DEGRADED, DOWN, DOWN], 3, DEGRADED),
    ],
)
def test_regions_agree(outcomes, needed, together):
    assert agreed(outcomes, needed) is together


@given(
    st.lists(st.sampled_from(list(Outcome)), max_size=12), st.none() | st.integers(min_value=1, max_value=12)
)
def test_it_is_as_the_reference_counts(outcomes, needed):
    votes = {outcome: sum(one is outcome for one in outcomes) for outcome in Outcome}
    reporting = votes[UP] + votes[DEGRADED] + votes[DOWN]

    def is_enough(count):
        if needed is not None:
            return count >= needed
        return reporting > 0 and Fraction(count, reporting) > Fraction(1, 2)

    if is_enough(votes[DOWN]):
        expected = DOWN
    elif is_enough(votes[DOWN] + votes[DEGRADED]):
        expected = DEGRADED
    elif votes[UP] or (needed is not None and reporting >= needed):
        expected = UP
    else:
        expected = UNKNOWN
    assert agreed(outcomes, needed) is expected


@given(st.permutations([UP, UP, DOWN, DEGRADED, UNKNOWN]), st.none() | st.integers(1, 5))
def test_the_order_of_the_regions_does_not_matter(outcomes, needed):
    assert agreed(outcomes, needed) is agreed(sorted(outcomes), needed)
