"""One answer for every surface."""

import pytest

from components.status import Impact, Status, impact_of, page_state, state_of, worst

UP, WORK, GREY = Status.OPERATIONAL, Status.UNDER_MAINTENANCE, Status.UNKNOWN
SLOW, PART, DOWN = Status.DEGRADED_PERFORMANCE, Status.PARTIAL_OUTAGE, Status.MAJOR_OUTAGE


def test_states_are_ordered_as_the_design_says():
    assert sorted(Status, key=lambda one: -list(Status).index(one)) == [
        DOWN, PART, SLOW, GREY, WORK, UP,
    ]  # fmt: skip
    assert worst([UP, GREY, WORK]) is GREY
    assert worst([]) is UP


@pytest.mark.parametrize(
    ("statuses", "indicator", "description"),
    [
        ([], "none", "All Systems Operational"),
        ([UP, UP], "none", "All Systems Operational"),
        ([DOWN], "critical", "Major System Outage"),
        ([DOWN, DOWN], "critical", "Major System Outage"),
        ([DOWN, UP], "major", "Partial System Outage"),
        ([PART, PART], "major", "Partial System Outage"),
        ([PART, UP], "minor", "Minor Service Outage"),
        ([SLOW, SLOW], "minor", "Degraded System Service"),
        ([SLOW], "minor", "Partially Degraded Service"),
        ([SLOW, UP], "minor", "Partially Degraded Service"),
        ([WORK, UP], "maintenance", "Service Under Maintenance"),
        ([GREY, UP], "minor", "Status Unknown"),
    ],
)
def test_the_rollup_is_statuspages(statuses, indicator, description):
    state = page_state(statuses)
    assert (state.indicator, state.description) == (indicator, description)


@pytest.mark.parametrize("statuses", [[], [UP], [WORK, UP], [GREY]])
def test_an_open_incident_forbids_a_green_page(statuses):
    state = page_state(statuses, opened=[state_of(SLOW)])
    assert state.status is SLOW
    assert state.indicator == "minor"


def test_unknown_is_never_green():
    state = page_state([UP, GREY])
    assert (state.status, state.indicator) == (GREY, "minor")


@pytest.mark.parametrize(
    ("statuses", "impact"),
    [
        ([], Impact.NONE),
        ([UP], Impact.NONE),
        ([DOWN], Impact.CRITICAL),
        ([DOWN, SLOW], Impact.MAJOR),
        ([SLOW], Impact.MINOR),
    ],
)
def test_the_impact_is_the_rollup_of_its_components(statuses, impact):
    assert impact_of(statuses) is impact
