"""Limits as staff type them, and which of them a number crosses."""

import pytest

from components.limits import LimitError, crossed, limits_of, number_of, spelled
from components.outcomes import Outcome

CONNECTIONS = "degraded above 0.8, down above 0.98"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        (CONNECTIONS, 0.8, None),  # the limit itself is not beyond it
        (CONNECTIONS, 0.81, ("degraded", "above the limit of 0.8")),
        (CONNECTIONS, 0.99, ("down", "above the limit of 0.98")),
        ("down above 98%\ndegraded above 80 %", 0.985, ("down", "above the limit of 0.98")),
        ("Degraded > 5; DOWN >10", 11, ("down", "above the limit of 10")),
        ("degraded below 20, down below 5", 4, ("down", "below the limit of 5")),
        ("degraded below 20, down below 5", 19, ("degraded", "below the limit of 20")),
        ("degraded below 10, degraded above 90", 95, ("degraded", "above the limit of 90")),
        ("down below -1e3", -1000.5, ("down", "below the limit of -1,000")),
        ("degraded above 1, degraded above 2", 3, ("degraded", "above the limit of 2")),
        ("", 1e300, None),
    ],
)
def test_the_worst_limit_that_is_crossed(text, value, expected):
    limit = crossed(value, limits_of(text))
    assert (limit and (limit.outcome.value, limit.words)) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("above 0.8", "write “degraded above 0.8”"),
        ("up above 3", "is not a limit"),
        ("degraded above", "is not a limit"),
        ("down above ten", "“ten” is not a number"),
        ("down above nan", "is not a number"),
        ("down above inf", "is not a number"),
        ("down above 1e999", "is not a number"),
        ("down above ²", "is not a number"),
        ("down above 1_000", "is not a number"),
        (
            "down above 0.8, degraded above 0.9",
            "“Degraded above 0.9” can never show, since it is down above 0.8",
        ),
        ("down below 5, degraded below 5", "can never show"),
        (",".join(["down above 1"] * 11), "More than 10 limits"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused_with_a_sentence(text, part):
    with pytest.raises(LimitError) as refused:
        limits_of(text)
    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"), [("0.8", 0.8), (" 80 % ", 0.8), ("80%", 0.8), ("1e3", 1000), ("-.5", -0.5), ("7.", 7)]
)
def test_a_number_is_read_with_or_without_percent(text, value):
    assert number_of(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (-0.0, "0"), (1234, "1,234"), (0.83, "0.83"), (0.83123, "0.8312"), (1234.56, "1,235"),
        (12.3456, "12.35"), (1e15, "1e+15"), (0.00001234, "1.234e-05"), (-5.5, "-5.5"), (100.0, "100"),
    ],
)  # fmt: skip
def test_a_number_is_spelled_with_four_digits(value, text):
    assert spelled(value) == text


def test_outcomes_are_those_of_a_check():
    assert [limit.outcome for limit in limits_of(CONNECTIONS)] == [Outcome.DEGRADED, Outcome.DOWN]


def test_a_share_at_its_limit_is_not_beyond_it():
    for tenths in range(1, 1_000):
        limits = limits_of(f"down above {tenths / 10}%, degraded below {tenths / 10} %")
        assert crossed(tenths / 1_000, limits) is None, tenths
        assert crossed(tenths / 1_000 + 1e-6, limits).outcome is Outcome.DOWN
