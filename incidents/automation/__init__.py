"""What happens to incidents without a person, as plain functions that take an incident.

A probe flips: `follow` (opening) decides whether the failure joins, reopens or opens an incident, and `flips`
what changes in it. Time passes: `advance` (clock) settles, proposes, publishes what no one acted on and posts
promised updates. `updates` posts them and joins several to one message, `texts` words them.
The models know nothing of this package.
"""

from incidents.automation.clock import advance
from incidents.automation.ending import PROPOSE_AFTER, catch_up, settle
from incidents.automation.flips import hear, join
from incidents.automation.maintenance import advance_maintenance, complete_maintenance
from incidents.automation.merging import merge
from incidents.automation.opening import begin_after, follow, judge, opened_beside
from incidents.automation.texts import PROMISES, draft, drafts, drafts_of
from incidents.automation.updates import promise_anew, publish

__all__ = [
    "PROMISES",
    "PROPOSE_AFTER",
    "advance",
    "advance_maintenance",
    "begin_after",
    "catch_up",
    "complete_maintenance",
    "draft",
    "drafts",
    "drafts_of",
    "follow",
    "hear",
    "join",
    "judge",
    "merge",
    "opened_beside",
    "promise_anew",
    "publish",
    "settle",
]
