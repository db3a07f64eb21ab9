"""(f) The console's overview with 50 open incidents and 10, 100 and 500 components."""

import json

from benchmarks.tools import Row, Stage, say

SIZES = (10, 100, 500)
MAX_QUERIES = 12
MAX_RATIO = 3.0  # of the CPU time of an empty page
INCIDENTS = 50
PAGES = {"overview": "/console/", "its live part": "/console/?part=live"}
# The reference is the console's frame with nothing in it: same process, session, middleware, role and engine.
ASK = """
import json, time
from django.contrib.auth import get_user_model
from django.db import connection
from django.shortcuts import render
from django.test import Client
from django.urls import path
from statuspage import urls
from statuspage.staff.access import needs
from statuspage.models import Member, Role
empty = needs(Role.VIEWER)(lambda request: render(request, "console/base.html"))
urls.urlpatterns.append(path("console/empty", empty))
user = get_user_model().objects.create_user("ada")
Member.objects.appoint(user, Role.ADMIN)
client = Client(SERVER_NAME="127.0.0.1")
client.force_login(user)
asked = []
def count(execute, sql, params, many, context):
    asked.append(sql)
    return execute(sql, params, many, context)
def ask(address):
    asked.clear()
    began = time.process_time()
    with connection.execute_wrapper(count):
        answer = client.get(address)
    took = (time.process_time() - began) * 1000
    assert answer.status_code == 200, (address, answer.status_code)
    return len(asked), took
addresses = ["/console/empty", *{pages}]
told = [[ask(address) for address in addresses] for _ in range({rounds})][1:]
middle = [(told[-1][place][0], sorted(one[place][1] for one in told)[len(told) // 2])
          for place in range(len(addresses))]
print("FOUND" + json.dumps(middle))
"""


def run(*, quick: bool) -> list[Row]:
    """Queries must be the same at every size; CPU time is measured in turns with an empty page's."""
    results = {}
    for size in SIZES:
        say(f"{size} components")
        with Stage() as stage:
            stage.fill(size)
            code = f"from benchmarks.filling import add_incidents; add_incidents({INCIDENTS})"
            stage.manage("shell", "-v0", "-c", code)
            ask = ASK.format(pages=list(PAGES.values()), rounds=6 if quick else 22)
            results[size] = json.loads(stage.manage("shell", "-v0", "-c", ask).split("FOUND")[1])
    rows = []
    for place, name in enumerate(PAGES, start=1):
        wanted = results[SIZES[0]][place][0]
        for size in SIZES:
            (_, empty), (queries, took) = results[size][0], results[size][place]
            rows.append(
                Row(
                    f"(f) console, {name}, {size} components, {INCIDENTS} incidents",
                    f"{queries} queries, {took:.0f} ms",
                    f"empty page {empty:.1f} ms",
                    took / empty,
                    f"≤ {MAX_RATIO:.2f}, {wanted} queries, ≤ {MAX_QUERIES}",
                    queries == wanted <= MAX_QUERIES and took / empty <= MAX_RATIO,
                )
            )
    return rows
