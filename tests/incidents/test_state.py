"""One function says what an incident is like: phase, components, what people gave it."""

import pytest

from components.status import Impact, State, Status, page_state
from incidents.lifecycle import Phase
from incidents.state import place_now, state_now, state_past

UP, WORK, GREY = Status.OPERATIONAL, Status.UNDER_MAINTENANCE, Status.UNKNOWN
SLOW, PART, DOWN = Status.DEGRADED_PERFORMANCE, Status.PARTIAL_OUTAGE, Status.MAJOR_OUTAGE
WATCH = "Monitoring the fix"


@pytest.mark.parametrize(
    ("phase", "components", "given", "state"),
    [
        # all has recovered and we watch: amber, and the same word everywhere
        ("monitoring", [UP], ("", "critical"), (SLOW, WATCH)),
        ("monitoring", [UP, UP], ("critical", "critical"), (SLOW, WATCH)),
        ("monitoring", [UP, WORK], ("", "major"), (SLOW, WATCH)),
        ("monitoring", [], ("", "none"), (SLOW, WATCH)),  # opened by hand, without components
        ("monitoring", [], ("", "critical"), (SLOW, WATCH)),  # all of it hidden
        # announced too early: what is down stays down
        ("monitoring", [DOWN, UP], ("", "major"), (DOWN, "Major outage")),
        ("monitoring", [SLOW], ("", "major"), (SLOW, "Degraded")),
        ("monitoring", [GREY], ("", "major"), (SLOW, "Degraded")),
        # it is as it is now, not as it has been
        ("investigating", [SLOW], ("", "critical"), (SLOW, "Degraded")),
        ("identified", [PART], ("", "critical"), (PART, "Partial outage")),
        ("investigating", [DOWN], ("", "critical"), (DOWN, "Major outage")),
        # open is never green, whoever says so
        ("investigating", [UP], ("", "none"), (SLOW, "Degraded")),
        ("investigating", [UP], ("none", "critical"), (SLOW, "Degraded")),
        ("investigating", [WORK], ("", "none"), (SLOW, "Degraded")),
        ("investigating", [], ("", "none"), (SLOW, "Degraded")),
        # people know more than probes, and hidden components say only how bad it is
        ("identified", [UP], ("critical", "none"), (DOWN, "Major outage")),
        ("identified", [DOWN], ("minor", "critical"), (DOWN, "Major outage")),
        ("investigating", [], ("", "critical"), (DOWN, "Major outage")),
        # over
        ("resolved", [DOWN], ("critical", "critical"), (UP, "Operational")),
    ],
)
def test_what_it_is_like_now(phase, components, given, state):
    override, impact = given
    said = state_now(Phase(phase), components, override=override, impact=Impact(impact))
    assert (said.status, said.label, said.is_watching) == (*state, state[1] == WATCH)


@pytest.mark.parametrize(
    ("worsts", "override", "impact", "status", "label"),
    [
        ([DOWN, SLOW], "", "major", DOWN, "Major outage"),
        ([SLOW], "critical", "minor", DOWN, "Major outage"),
        ([DOWN], "none", "critical", UP, "No impact"),
        ([], "", "major", PART, "Partial outage"),
        ([], "", "none", UP, "No impact"),
    ],
)
def test_how_bad_it_was(worsts, override, impact, status, label):
    assert state_past(worsts, override=override, impact=Impact(impact)) == State(status, label)


@pytest.mark.parametrize(
    ("component", "row", "worst", "phase", "status"),
    [
        (UP, DOWN, DOWN, "investigating", UP),  # as its own row on the page says
        (GREY, DOWN, DOWN, "investigating", DOWN),  # out of sight: as it was last known
        (GREY, UP, DOWN, "monitoring", UP),
        (GREY, GREY, DOWN, "investigating", DOWN),
        (GREY, GREY, DOWN, "monitoring", GREY),
    ],
)
def test_losing_sight_of_a_component_makes_nothing_better(component, row, worst, phase, status):
    assert place_now(component, row, worst, Phase(phase)) is status


@pytest.mark.parametrize(
    ("components", "opened", "state", "rollup"),
    [
        ([UP, UP], [("monitoring", [UP])], (SLOW, WATCH), ("minor", WATCH)),
        ([UP, UP], [("monitoring", [UP]), ("monitoring", [UP])], (SLOW, WATCH), ("minor", WATCH)),
        ([DOWN, UP], [("monitoring", [UP]), ("investigating", [DOWN])],
         (DOWN, "Major outage"), ("major", "Partial System Outage")),
        ([SLOW, UP], [("monitoring", [UP])], (SLOW, "Degraded"), ("minor", "Partially Degraded Service")),
        ([UP, UP], [("monitoring", [UP]), ("investigating", [])],
         (SLOW, "Degraded"), ("minor", "Partially Degraded Service")),
        ([GREY, UP], [("monitoring", [UP])], (SLOW, WATCH), ("minor", WATCH)),
        ([GREY, GREY], [("investigating", [DOWN])],
         (DOWN, "Major outage"), ("critical", "Major System Outage")),
        ([WORK, UP], [("investigating", [UP])], (SLOW, "Degraded"), ("minor", "Partially Degraded Service")),
    ],
)  # fmt: skip
def test_the_page_says_what_its_open_incidents_say(components, opened, state, rollup):
    states = [state_now(Phase(phase), now) for phase, now in opened]
    page = page_state(components, opened=states)
    assert (page.status, page.label) == state
    assert (page.indicator, page.description) == rollup
