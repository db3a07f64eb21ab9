"""Run by the version before: posts update after update to an incident, and prints what was committed."""

import itertools
import sys
import time
from datetime import UTC, datetime

import django

django.setup()

from incidents.models import Incident  # noqa: E402

incident = Incident.objects.get(title=sys.argv[1])
for number in itertools.count():
    incident.post(f"Still looking, number {number}.", phase="investigating", now=datetime.now(UTC))
    print(number, flush=True)
    time.sleep(0.05)
