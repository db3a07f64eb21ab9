"""What a hook may be limited to, in words."""

from components import failures
from components.outcomes import Failure
from components.unsteady import ON_AND_OFF
from incidents.hooks.causes import OF_FAILURE
from incidents.hooks.rules import CAUSES, NEVER

# Failures of our own, or that a call never mends, are not offered
_NOT_OFFERED = {failure for failure, cause in OF_FAILURE.items() if cause in NEVER} | {Failure.NO_DATA}

FAILURE_CHOICES = [
    (failure.value, failures.words(failure).seen) for failure in Failure if failure not in _NOT_OFFERED
] + [(ON_AND_OFF, failures.words(ON_AND_OFF).seen)]
CAUSE_CHOICES = list(CAUSES.items())
