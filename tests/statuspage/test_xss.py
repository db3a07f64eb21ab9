"""Hundreds of hostile texts in every stored field: nothing runs, even in a browser that heeds no policy."""

import json
import re
from datetime import timedelta
from xml.etree import ElementTree

import httpx
from django.contrib.auth import get_user_model
from django.utils import timezone

from components.models import Check, Component, Flip, Group, Page, Probe
from components.models.public_id import new_public_id
from incidents import postmortem_draft
from incidents.models import ActionItem, Draft, Incident, Maintenance, Post, Postmortem, Template
from incidents.models.postmortem import TEXTS
from statuspage.models import Audit, Invitation, Role
from tests.faults.faults import length
from tests.making import fell, group, watched
from tests.payloads import ALL, CALL, PAYLOADS, RUN, packed
from tests.people import cookie, person
from tests.whole import wait_for

WITHOUT_POLICY, WITH_POLICY = False, True
RUNNING = re.compile(r"^(on|hx-on|data-hx-on)|^(srcdoc|formaction|ping|style|background)$")
# every address of the page, and every attribute that could run
LOOK = """() => {
  const every = [...document.querySelectorAll('*')]
  const links = ['href', 'src', 'action', 'data', 'poster', 'xlink:href']
  document.querySelectorAll('details').forEach((d) => { d.open = true })
  document.querySelectorAll('main a, main summary, main button').forEach((e, n) => {
    if (n > 20) return
    ;['pointerover', 'mouseover', 'mouseenter'].forEach((t) =>
      e.dispatchEvent(new MouseEvent(t, { bubbles: true })))
    e.focus()
  })
  return {
    ran: window.__xss,
    attributes: [...new Set(every.flatMap((e) => e.getAttributeNames()))],
    addresses: [...new Set(every.flatMap((e) => links.filter((l) => e.hasAttribute(l)).map((l) =>
      `${e.localName} ${new URL(e.getAttribute(l), location).protocol}`)))],
    tags: [...new Set(every.map((e) => e.localName))],
  }
}"""
PUBLIC_HREFS = {"http:", "https:", "mailto:"}
NEVER = {
    "iframe",
    "object",
    "embed",
    "base",
    "math",
    "frame",
    "applet",
    "image",
    "audio",
    "video",
    "style",
    "marquee",
}


def hostile_world():
    """Every stored field holds all the texts that fit; the short ones several rows of them."""
    now = timezone.now()
    ada = person("ada", Role.ADMIN)
    bob = get_user_model().objects.create_user("bob", password="x")
    names = packed(150)
    get_user_model().objects.filter(pk=bob.pk).update(
        username=names[0], first_name=names[1], last_name=names[2]
    )
    for n, name in enumerate(names[3:]):
        get_user_model()(username=name, first_name=names[n], is_active=False).save()
    bob.refresh_from_db()
    _watched(now)
    _incidents(now, ada, bob)
    _texts_and_works(now, bob)
    _staff(now, ada, bob)
    Page.objects.bump_version()
    return ada


def _watched(now):
    """Components, groups, probes, and what a hostile target answered."""
    names, more = packed(120), packed(250)
    groups = [group(name) for name in names[1::3]]
    Group.objects.update(description=more[0])
    probe = watched(names[0], group=groups[0], target=f"http://127.0.0.1:9/{names[5]}")
    Component.objects.bulk_create(
        Component(
            name=name, description=more[n % len(more)], group=groups[n % len(groups)], position=n + 2,
            public_id=new_public_id(), status="major_outage" if n % 2 else "operational",
        )
        for n, name in enumerate(names[::3])
    )  # fmt: skip
    Component.objects.update(created_at=now - timedelta(days=9))
    others = Component.objects.exclude(pk=probe.component_id)
    Probe.objects.bulk_create(
        Probe(
            component=component,
            kind="http",
            name=name,
            target=ALL[n * 200 :][:2000],
            public_id=new_public_id(),
        )
        for n, (component, name) in enumerate(zip(others, names[2::3], strict=False))
    )
    fell(probe, now - timedelta(minutes=5))
    Probe.objects.filter(pk=probe.pk).update(name=names[1], target=ALL[:2000])
    second = int(now.timestamp())
    Check.objects.bulk_create(
        Check(
            probe=probe, slot=second - n, region=f"r{n}", outcome="down", total_ms=9, failure="status",
            detail=words, excerpt=ALL, facts={words: words}, address=words[:64],
        )
        for n, words in enumerate(packed(300))
    )  # fmt: skip
    Flip.objects.update(why=packed(300)[0])


def _incidents(now, ada, bob):
    """One that says everything everywhere, and one a title."""
    machine = Incident.objects.get()
    advice = packed(500)
    machine.post(
        Post(ALL, phase="identified", title=packed(255)[0], workaround=advice.pop()), now=now, author=bob
    )
    first = machine.updates.get(body=ALL)
    machine.edit(first, f"{ALL}\n\nEdited.", now, author=bob)
    machine.note(ALL, now, author=bob)
    for n, title in enumerate(packed(255)):
        body = "\n\n".join(PAYLOADS[n * 5 : n * 5 + 20]) or ALL
        at = now - timedelta(hours=n)
        made = Incident.objects.open(
            title, body, now=at, author=bob, components=Component.objects.filter(position=n + 2),
            workaround=advice[n % len(advice)],
        )  # fmt: skip
        if n > 2:
            made.post(Post(body, phase="resolved"), now=at + timedelta(minutes=9), author=ada)
    Incident.objects.update(cause=packed(60)[0])
    Incident.objects.filter(pk=Incident.objects.last().pk).update(published_at=None)


def _texts_and_works(now, bob):
    """Templates, planned work, and a postmortem whose every field is full."""
    for n, name in enumerate(packed(60)[:40]):
        Template.objects.create(kind="update", name=name, title=packed(255)[n], body=ALL, position=n + 1)
    for n, title in enumerate(packed(255)[:20]):
        body = "\n\n".join(PAYLOADS[n * 19 : n * 19 + 19])
        work = Maintenance(
            title=title,
            body=body if n else ALL,
            starts_at=now + timedelta(hours=n),
            public_id=new_public_id(),
        )
        work.ends_at = work.starts_at + timedelta(hours=1)
        work.save()
        work.components.add(*Component.objects.all()[n : n + 3])
        work.say(work.body, now, author=bob)
    over = Incident.objects.exclude(resolved_at=None).first()
    report = postmortem_draft.create(over, author=bob, now=now)
    report.keep({"summary": f"{ALL}\n\nBefore.", "root_cause": ALL}, now)
    report.publish(now)
    report.keep(dict.fromkeys(TEXTS, ALL) | {"title": packed(255)[9]}, now + timedelta(seconds=1), author=bob)
    at = over.started_at.isoformat()
    Postmortem.objects.update(
        authors=packed(255)[1], users_percent=3, users_how=ALL,
        timeline=[[at, words[:20], words] for words in (ALL, *packed(300)[::4])],
        misled=[[words, words] for words in (ALL, *packed(300)[2::4])],
    )  # fmt: skip
    for n, words in enumerate(packed(300)):
        link = PAYLOADS[n] if n % 2 else f"javascript:{CALL}"
        ActionItem.objects.create(postmortem=report, position=n, text=words, team=words[:80], link=link)


def _staff(now, ada, bob):
    """Drafts of both, an invitation, and the audit log."""
    words = {"title": packed(255)[2], "body": ALL, "promise": ALL[:50], "promise_at": ALL[:50],
             "workaround": ALL, "workaround_was": ALL[:500]}  # fmt: skip
    for incident in (None, *Incident.objects.filter(resolved_at=None)[:2]):
        for author in (ada, bob):
            Draft.objects.keep(incident, author, words, now)
    Invitation.objects.invite(packed(250)[0], Role.VIEWER, by=bob, now=now)
    for text in packed(255):
        row = Audit(
            at=now, actor=text[:150], act=text[:60], thing=text, address=text[:64], public_id=text[:40]
        )
        row.before, row.after = {text: ALL}, {text: text}
        row.save()


def public_paths():
    report, over = Postmortem.objects.get(), Incident.objects.exclude(resolved_at=None).first()
    api, opened = Component.objects.order_by("pk").first(), Incident.objects.order_by("pk").first()
    today = timezone.now().date()
    return [
        "/", f"/components/{api.public_id}", f"/components/{api.public_id}/days/{today}",
        f"/components/{api.public_id}/days/{today}/{timezone.now():%H}",
        f"/incidents/{opened.public_id}", f"/incidents/{over.public_id}", "/history",
        f"/history/component/{api.public_id}", "/history/figures", "/history/search?q=script",
        f"/history/search?q={httpx.QueryParams({'q': PAYLOADS[0]})['q']}", "/postmortems",
        f"/postmortems/{report.incident.public_id}", "/maintenance",
        f"/maintenance/{Maintenance.objects.first().public_id}", "/how-we-count",
    ]  # fmt: skip


def staff_paths():
    api, opened = Component.objects.order_by("pk").first(), Incident.objects.order_by("pk").first()
    report, work, probe = Postmortem.objects.get(), Maintenance.objects.first(), Probe.objects.first()
    number = opened.updates.filter(kind="post").last().number
    console = [
        "", "incidents", "incidents/new", f"incidents/{opened.public_id}", "components", "components/new",
        f"incidents/{opened.public_id}/compose", f"incidents/{opened.public_id}/edit/{number}",
        f"components/{api.public_id}", f"components/{api.public_id}/edit", f"groups/{api.group.public_id}",
        "probes", f"probes/{probe.public_id}", f"probes/{probe.public_id}/edit", "templates", "postmortems",
        f"templates/{Template.objects.first().pk}", "maintenance", f"maintenance/{work.public_id}",
        f"maintenance/{work.public_id}/edit", "maintenance/new", "incidents?q=script", "audit/",
        f"postmortems/{report.incident.public_id}", "people/",
    ]  # fmt: skip
    admin = [
        "incidents/incident/", f"incidents/incident/{opened.pk}/change/", "components/component/",
        "components/group/", "components/probe/", f"components/probe/{probe.pk}/change/", "",
    ]  # fmt: skip
    return [*(f"/console/{path}" for path in console), *(f"/admin/{path}" for path in admin)]


class Watch:
    """One window that goes from page to page and keeps what it should not have seen."""

    def __init__(self, browser, web, session, csp) -> None:
        self.page, self.url, self.wrong = browser.open("about:blank", csp=csp), web.url, []
        origin = {"name": "session", "value": session, "url": web.url}
        self.page.context.add_cookies([origin])
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)

    def _dialog(self, dialog) -> None:
        self.wrong.append(f"{self.page.url}: a dialog, {dialog.type}")
        dialog.dismiss()

    def _request(self, request) -> None:
        if not request.url.startswith((self.url, "data:image/", "about:")):
            self.wrong.append(f"{self.page.url} asked {request.url}")

    def visit(self, path) -> None:
        answer = self.page.goto(self.url + path, wait_until="load")
        for _ in range(60):  # pages this full take longer than their readers are made to wait
            if answer.status != 503:
                break
            self.page.wait_for_timeout(1_000)
            answer = self.page.goto(self.url + path, wait_until="load")
        if answer.status != 200:
            self.wrong.append(f"{path}: {answer.status}")
        self._act(path)
        seen = self.page.evaluate(LOOK)
        if not path.startswith("/admin/"):  # Django's own pages have a style or two
            self.wrong += [f"{path}: attribute {a}" for a in seen["attributes"] if RUNNING.match(a)]
        self.wrong += [f"{path}: <{tag}>" for tag in seen["tags"] if tag in NEVER]
        for address in seen["addresses"]:
            if address.split()[1] not in PUBLIC_HREFS and address not in ("link data:", "img data:"):
                self.wrong.append(f"{path}: {address}")
        if seen["ran"] is not None or self.page.evaluate("window.__xss") is not None:
            self.wrong.append(f"{path}: it ran")

    def _act(self, path) -> None:
        """What a person does there: the composer's panes, the public page's news, the saving of forms."""
        if path.endswith(("/compose", "/new")) and "incidents" in path:
            with self.page.expect_response(lambda answer: answer.url.endswith("/saved")) as saved:
                self.page.evaluate("htmx.trigger(document.querySelector('[data-compose]'), 'save')")
            assert saved.value.status == 200
            self.page.wait_for_timeout(100)
            for pane in ("mail", "chat", "webhook"):
                self.page.locator(f"[name=view][value={pane}]").check(force=True)


def test_no_stored_text_runs_on_any_page_even_where_no_policy_holds_it(web, browser):
    assert len(set(PAYLOADS)) >= 200
    assert all(text in ALL for text in PAYLOADS)
    session = cookie(hostile_world())
    web.catch_up()
    for csp in length((WITHOUT_POLICY,), (WITHOUT_POLICY, WITH_POLICY)):
        watch = Watch(browser, web, session, csp)
        for path in (*public_paths(), *staff_paths()):
            watch.visit(path)
        watch.page.context.close()
        assert watch.wrong == [], "\n".join(watch.wrong)
    assert [fault for fault in browser.faults if "Content Security Policy" in fault] == []


def test_the_browser_would_notice(web, browser):
    """Each call of the payloads, put where it does run."""
    page = browser.open(web.url, csp=False)
    rang = []
    page.on("dialog", lambda dialog: (rang.append(dialog.message), dialog.dismiss()))
    page.evaluate(f"document.body.append(Object.assign(document.createElement('script'), {{text: '{RUN}'}}))")
    assert page.evaluate("window.__xss") == 1
    page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror={CALL}>')")
    page.wait_for_timeout(200)
    assert rang == ["1"]


FEEDS = ("/history.atom", "/history.rss")
FILES = (
    "/api/v2/summary.json", "/api/v2/status.json", "/api/v2/components.json", "/api/v2/incidents.json",
    "/api/v2/scheduled-maintenances.json", "/history.json", "/uptime.json", "/feed.json",
)  # fmt: skip


def told(address):
    """As a program asks: again, while so much hostile text takes longer to render than readers wait."""
    return wait_for(lambda: (answer := httpx.get(address)).status_code != 503 and answer, 60, 0.5)


def test_programs_read_what_was_written_and_nothing_else(web):
    hostile_world()
    web.catch_up()
    for path in FEEDS:
        answer = told(web.url + path)
        tags = [one.tag.rsplit("}", 1)[-1].lower() for one in ElementTree.fromstring(answer.content).iter()]
        assert "item" in tags or "entry" in tags
        assert {"script", "svg", "img", "div"} & set(tags) == set(), path
        assert "<script" not in answer.text.lower().replace("&lt;", "‹")
    report = Postmortem.objects.get().incident.public_id
    for path in (*FILES, f"/postmortems/{report}.json"):
        answer = told(web.url + path)
        assert re.match(r"application/(feed\+)?json", answer.headers["content-type"]), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        json.loads(answer.content)
    for path in ("/history.csv", "/uptime.csv", "/maintenance.ics"):
        answer = told(web.url + path)
        assert answer.status_code == 200, path
        assert "html" not in answer.headers["content-type"]
        assert re.search(r'(^|[,\n])"?[=@]', answer.text) is None or path.endswith(".ics"), path
