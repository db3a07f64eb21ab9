"""Text at 200 %: the console stays within the window, each line within its card, each word on one line."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Incident
from tests.everything import everything
from tests.looking import staff
from tests.making import fell, found, watched

WRONG = """() => {
  const wrong = [], root = document.documentElement, range = document.createRange()
  if (root.scrollWidth > innerWidth) wrong.push(`scrolls sideways by ${root.scrollWidth - innerWidth}`)
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT)
  const aside = '.hidden, svg, .scroll, .skip, script, template, pre, code, option, .crumbs'
  for (let node; (node = walk.nextNode());) {
    const parent = node.parentElement
    if (parent.closest(aside) || !parent.getClientRects().length) continue
    const edge = Math.min(parent.closest('.card, main').getBoundingClientRect().right, innerWidth) + 1
    for (const word of node.textContent.matchAll(/[A-Za-z]{3,13}/g)) {
      range.setStart(node, word.index)
      range.setEnd(node, word.index + word[0].length)
      const boxes = [...range.getClientRects()]
      if (new Set(boxes.map((box) => Math.round(box.top))).size > 1) wrong.push(`${word[0]} is broken`)
      if (boxes.some((box) => box.right > edge)) wrong.push(`${word[0]} leaves its card`)
    }
  }
  return [...new Set(wrong)].slice(0, 5)
}"""
OPEN = "document.querySelectorAll('main details').forEach((one) => { one.open = true })"


@pytest.mark.parametrize("width", [1280, 390])
def test_every_line_of_the_console_is_whole(looking, width):
    now = timezone.now()
    words = everything(looking.web.folder)
    for name in ("Checkout and payments", "Search"):
        probe = watched(name)
        found(probe, "up", now - timedelta(minutes=30))
        fell(probe, now - timedelta(minutes=10))
    looking.web.catch_up()
    new, probe, ours = watched("New one"), words["probes/<slug:public_id>"], Incident.objects.latest("pk")
    page = looking.page
    looking.log_in(staff("ada"), "/console/")
    page.wait_for_url("**/console/")
    page.set_viewport_size({"width": width, "height": 900})
    paths = ("", "incidents", f"incidents/{ours.public_id}", f"incidents/{ours.public_id}/compose",
             f"incidents/{words['incidents/<slug:public_id>']}", "probes", f"probes/{probe}",
             f"probes/{probe}/edit", f"probes/{new.public_id}", "components",
             f"components/{words['<slug:public_id>']}", "maintenance", "postmortems", "subscribers/",
             "templates", "settings")  # fmt: skip
    wrong = {}
    for path in paths:
        page.goto(f"{looking.web.url}/console/{path}", wait_until="load")
        page.evaluate(f"document.documentElement.style.fontSize = '200%'; {OPEN}")
        if found_wrong := page.evaluate(WRONG):
            wrong[path] = found_wrong
    assert wrong == {}


@pytest.mark.parametrize("width", [1280, 390])
def test_at_the_usual_size_the_four_statuses_stand_in_one_row(looking, width):
    fell(watched("Checkout and payments"))
    page = looking.page
    page.set_viewport_size({"width": width, "height": 900})
    looking.log_in(staff("ada"), f"/console/incidents/{Incident.objects.get().public_id}/compose")
    page.locator(".picker label").first.wait_for()
    page.wait_for_load_state("load")  # the style sheet may come after the words
    tops = page.eval_on_selector_all(
        ".picker label, .phases label",
        "(all) => all.map((one) => one.offsetTop + one.parentElement.offsetTop)",
    )
    assert len(set(tops[:4])) == len(set(tops[4:])) == 1
