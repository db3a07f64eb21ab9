"""What is watched, in the console: order, components, probes, templates, as staff of each role meet them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components.models import Check, Component, DeployMarker, Flip, Group, HourTally, Page, Probe
from components.models.page_order import LOOSE, blocks, put, put_block, step
from components.outcomes import Outcome
from components.status import Status
from incidents.models import Incident, Post, Template
from statuspage.console import latency_chart, plot
from statuspage.console.probe_detail import causes
from statuspage.models import Audit, Role
from tests.looking import faults, sticks_out
from tests.making import NOW, after, fell, found, group, rose, watched
from tests.people import cookie, person

HOSTILE = "<script>alert(1)</script>{{ 7 }}'\""


def staff(client, role):
    client.force_login(person(role.name.lower(), role))
    return client


@pytest.fixture
def editor(client, db):
    return staff(client, Role.EDITOR)


def listed():
    return [
        (block.group.name if block.group else "-", [c.name for c in block.components]) for block in blocks()
    ]


def two_groups():
    """Front: Web, App. Back: API. Loose: Mail."""
    front, back = group("Front"), group("Back")
    Group.objects.filter(pk=back.pk).update(position=2)
    made = {}
    for position, (name, of) in enumerate((("Web", front), ("App", front), ("API", back), ("Mail", None)), 1):
        made[name] = Component.objects.create(
            name=name, group=of, position=position if of else 9, is_shown=True
        )
    return front, back, made


def post(client, address, **data):
    return client.post(f"/console/{address}", data)


# The order


def test_rows_are_numbered_as_the_page_lists_them(db):
    front, _, made = two_groups()
    put(made["Mail"], front.public_id)
    assert listed() == [("Front", ["Mail", "Web", "App"]), ("Back", ["API"]), ("-", [])]
    numbers = {one.name: one.position for one in [*Group.objects.all(), *Component.objects.all()]}
    assert numbers == {"Front": 1, "Mail": 2, "Web": 3, "App": 4, "Back": 5, "API": 6}


def test_a_component_walks_up_through_the_groups_to_the_top_and_stays(db):
    two_groups()
    mail = Component.objects.get(name="Mail")
    seen = []
    for _ in range(4):
        mail.refresh_from_db()
        assert step(mail, -1)
        mail.refresh_from_db()
        seen.append((mail.group and mail.group.name, mail.position))
    assert seen == [("Back", 6), ("Back", 5), ("Front", 4), ("Front", 3)]
    assert step(mail, -1)
    assert not step(mail, -1)
    assert listed()[0] == ("Front", ["Mail", "Web", "App"])


def test_what_a_stale_page_does_not_know_of_is_not_lost(db):
    front, back, made = two_groups()
    new = Component.objects.create(name="New", group=front, position=7)
    put(made["Web"], back.public_id, after=made["API"].public_id)
    made["App"].delete()
    put(new, front.public_id, after=made["App"].public_id or "gone")
    put(made["Mail"], "gone group", after="gone")
    assert listed() == [("Front", ["New"]), ("Back", ["API", "Web"]), ("-", ["Mail"])]


def test_blocks_change_places_and_the_public_page_follows(editor, settings):
    _, back, _ = two_groups()
    put_block(LOOSE)
    assert [name for name, _ in listed()] == ["-", "Front", "Back"]
    answer = post(editor, "components/move", item=f"g:{back.public_id}", way="up")
    assert [name for name, _ in listed()] == ["-", "Back", "Front"]
    assert answer.headers["location"].endswith(f"?focus=up-g-{back.public_id}")
    page = editor.get("/").content.decode()
    assert page.index("Mail") < page.index("Back") < page.index("Front")


def test_a_move_rings_the_page_keeps_the_focus_and_is_written_down(editor):
    _, _, made = two_groups()
    before = Page.objects.version()
    key = made["App"].public_id
    answer = post(editor, "components/move", item=f"c:{key}", way="up")
    assert Page.objects.version() > before
    assert listed()[0] == ("Front", ["App", "Web"])
    page = editor.get(answer.headers["location"]).content.decode()
    assert re.search(rf'id="up-c-{key}"\s+autofocus', page)
    assert "“App” is now number 1 of 2 in Front." in page
    assert Audit.objects.first().act == "component.move"


def test_a_dragged_row_answers_with_the_new_list_and_says_so(editor):
    front, _, made = two_groups()
    answer = editor.post(
        "/console/components/move",
        {"item": f"c:{made['Mail'].public_id}", "group": f"g:{front.public_id}",
         "after": f"c:{made['Web'].public_id}"},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    text = answer.content.decode()
    assert "<html" not in text
    assert "“Mail” is now number 2 of 3 in Front." in text
    assert listed()[0] == ("Front", ["Web", "Mail", "App"])


# Components and groups


def test_a_component_is_added_changed_hidden_and_shown(editor):
    front, back, _ = two_groups()
    fields = {"name": "Search", "description": "", "group": front.pk, "is_shown": "on",
              "auto_incidents": "suggest", "shows_evidence": "on", "manual_status": ""}  # fmt: skip
    post(editor, "components/new", **fields)
    assert listed()[0] == ("Front", ["Web", "App", "Search"])
    one = Component.objects.get(name="Search")
    post(editor, f"components/{one.public_id}/edit", **fields | {
        "group": back.pk, "manual_status": "partial_outage"})  # fmt: skip
    one.refresh_from_db()
    assert (one.group, one.status) == (back, Status.PARTIAL_OUTAGE)
    post(editor, f"components/{one.public_id}/show", is_shown="no")
    assert "Search" not in editor.get("/").content.decode()
    post(editor, f"components/{one.public_id}/show", is_shown="yes")
    assert [row.act for row in Audit.objects.exclude(act="login").order_by("id")] == [
        "component.create", "component.edit", "component.hide", "component.show",
    ]  # fmt: skip
    assert Audit.objects.get(act="component.edit").after == {
        "group": "Back", "manual_status": "partial_outage"}  # fmt: skip


def test_an_edit_does_not_take_back_what_a_worker_wrote_meanwhile(editor):
    probe = watched(kind="http")
    found(probe, "up", NOW)
    one = probe.component
    post(editor, f"components/{one.public_id}/edit", name="Renamed", is_shown="on", auto_incidents="publish",
         shows_evidence="on")  # fmt: skip
    one.refresh_from_db()
    assert (one.name, one.status) == ("Renamed", Status.OPERATIONAL)
    probe.refresh_from_db()
    heard = probe.heard_s
    answer = post(editor, f"probes/{probe.public_id}/edit", **fields_of(probe, name="Mine"))
    assert answer.status_code == 302
    probe.refresh_from_db()
    assert (probe.name, probe.outcome, probe.heard_s) == ("Mine", Outcome.UP, heard)


def test_an_edit_keeps_what_a_worker_writes_between_reading_and_saving(editor, monkeypatch):
    """The form has read the row already when the worker writes it; the editor's save comes last."""
    probe = watched()
    found(probe, "up", NOW)
    component = Component.objects.get(pk=probe.component_id)
    theirs = Page.objects.lock

    def lock():
        Component.objects.filter(pk=component.pk).update(status=Status.MAJOR_OUTAGE, position=7)
        return theirs()

    monkeypatch.setattr(Component, "refresh", lambda *_: None)  # it would put the status right again
    monkeypatch.setattr(Page.objects, "lock", lock)
    post(editor, f"components/{component.public_id}/edit", name="Renamed", is_shown="on",
         auto_incidents="publish", shows_evidence="on")  # fmt: skip
    component.refresh_from_db()
    assert (component.name, component.status, component.position) == ("Renamed", Status.MAJOR_OUTAGE, 7)


def test_a_bad_name_is_refused_with_a_sentence(editor):
    answer = post(editor, "components/new", name="", auto_incidents="off")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not Component.objects.exists()


def test_a_component_in_an_open_incident_is_not_deleted(editor):
    probe = watched()
    fell(probe)
    address = f"components/{probe.component.public_id}"
    answer = editor.post(f"/console/{address}/delete", follow=True)
    assert "is part of the open incident" in answer.content.decode()
    assert Component.objects.exists()
    rose(probe, after(minutes=5))
    Incident.objects.get().post(Post("Done.", phase="resolved"), now=after(minutes=9))
    assert "cannot be undone" in editor.get(f"/console/{address}").content.decode()
    editor.post(f"/console/{address}/delete")
    assert not Component.objects.exists()
    assert Incident.objects.count() == 1
    assert Audit.objects.first().before["name"] == "API"


def test_a_deleted_group_leaves_its_components(editor):
    front, _, _ = two_groups()
    post(editor, "groups/new", name="Third", description="")
    assert listed()[-1][0] == "Third"
    post(editor, f"groups/{front.public_id}", name="Facade", description="x")
    assert listed()[0][0] == "Facade"
    post(editor, f"groups/{front.public_id}/delete")
    assert set(dict(listed())["-"]) == {"Web", "App", "Mail"}


# One probe


def fields_of(probe, **changes):
    names = ("name", "target", "interval_s", "timeout_s", "retry_s", "confirm_down", "confirm_up",
             "down_status", "region")  # fmt: skip
    kept = {name: getattr(probe, name) for name in names}
    return {**kept, "kind": "http", "http__method": "GET", "http__expected_status": "200-299",
            "http__follow_redirects": "on", **changes}  # fmt: skip


def test_check_now_makes_the_next_tick_look_once_in_two_seconds(client, db):
    staff(client, Role.RESPONDER)
    probe = watched(kind="http")
    now = int(timezone.now().timestamp())
    Probe.objects.update(next_slot=now + 50, heard_s=now - 10)
    page = client.post(f"/console/probes/{probe.public_id}/check", follow=True).content.decode()
    assert "Check requested." in page
    assert "every 1s" in page
    assert [claim.probe_id for claim in Probe.objects.claim_due(now + 1)] == [probe.pk]
    again = client.post(f"/console/probes/{probe.public_id}/check", follow=True).content.decode()
    assert "is running" in again
    Probe.objects.update(claimed_slot=None, next_slot=now + 50, heard_s=now)
    assert not Probe.objects.get().look_now(now + 1)
    assert Probe.objects.get().look_now(now + 2)


def test_a_paused_probe_leaves_the_status_and_begins_anew(editor):
    good, bad = watched(kind="http"), None
    bad = Probe.objects.create(component=good.component, kind="http", target="http://127.0.0.1:9/x")
    now = timezone.now()
    found(good, "up", now - timedelta(seconds=30))
    fell(bad, now - timedelta(seconds=20))
    good.component.refresh_from_db()
    assert good.component.status == Status.MAJOR_OUTAGE
    editor.post(f"/console/probes/{bad.public_id}/pause")
    good.component.refresh_from_db()
    assert good.component.status == Status.OPERATIONAL
    assert "Paused" in editor.get(f"/console/probes/{bad.public_id}").content.decode()
    editor.post(f"/console/probes/{bad.public_id}/resume")
    bad.refresh_from_db()
    assert (bad.outcome, bad.heard_s, bad.next_slot) == (Outcome.UNKNOWN, None, 0)
    assert list(Probe.objects.silent(now + timedelta(days=3))) == [Probe.objects.get(pk=good.pk)]


def test_a_probe_is_added_with_the_options_of_its_kind_alone(editor):
    component = Component.objects.create(name="DNS")
    address = f"components/{component.public_id}/probe"
    text = post(editor, address, do="options", kind="dns", target="example.org").content.decode()
    assert "dns__record_type" in text
    assert "http__method" not in text
    assert 'value="example.org"' in text
    data = {"kind": "dns", "target": "example.org", "interval_s": 60, "timeout_s": 10, "retry_s": 5,
            "confirm_down": 2, "confirm_up": 2, "down_status": "major_outage", "region": "local",
            "dns__record_type": "MX"}  # fmt: skip
    assert post(editor, address, **data).status_code == 302
    probe = Probe.objects.get()
    assert probe.options == {"record_type": "MX"}
    bad = post(editor, f"probes/{probe.public_id}/edit", **data | {"target": "not a name"})
    assert (bad.status_code, "check the spelling" in bad.content.decode()) == (400, True)


def test_headers_of_a_probe_are_not_in_the_audit_log(editor):
    probe = watched(kind="http")
    post(editor, f"probes/{probe.public_id}/edit", **fields_of(probe, http__headers="Authorization: s3cret"))
    assert Probe.objects.get().options["headers"].startswith("Authorization")
    assert "s3cret" not in str(list(Audit.objects.values_list("before", "after")))
    assert Audit.objects.first().after["options"] == "headers"


def test_trying_looks_once_and_keeps_nothing(editor, target):
    probe = watched(kind="http")
    target.body = b"<b>hello</b>"
    address = f"probes/{probe.public_id}/edit"
    text = post(editor, address, do="try", **fields_of(probe, target=target.url)).content.decode()
    assert "Test result" in text
    assert "Up in" in text
    down = fields_of(probe, target=target.url, http__expect_text="absent")
    text = post(editor, address, do="try", **down).content.decode()
    assert "Failing in" in text
    assert not Check.objects.exists()
    assert Probe.objects.get().target == "http://127.0.0.1:9/"


def test_a_refused_address_says_only_what_an_operator_can_do(editor):
    probe = watched(kind="http")
    answer = post(editor, f"probes/{probe.public_id}/edit", do="try",
                  **fields_of(probe, target="http://169.254.169.254/latest"))  # fmt: skip
    assert answer.status_code == 400
    assert "EGRESS_ALLOW" in answer.content.decode()


def checks(probe, outcomes, *, every=60, ms=80):
    """Checks up to now, oldest first."""
    end = int(timezone.now().timestamp()) - 1
    rows = []
    for back, outcome in enumerate(reversed(outcomes)):
        failure = "refused" if outcome == "down" else ""
        rows.append(
            Check(probe=probe, slot=end - back * every, region="local", outcome=outcome, total_ms=ms,
                  failure=failure, detail="Connection refused." if failure else "")
        )  # fmt: skip
    Check.objects.bulk_create(rows)


def test_a_dry_run_tells_what_the_last_day_would_have_been(editor):
    probe = watched(kind="http", confirm_down=1, confirm_up=1)
    checks(probe, (["up"] * 9 + ["down"]) * 6 + ["up"] * 5)
    address = f"probes/{probe.public_id}/edit"
    text = post(editor, address, do="dry", **fields_of(probe, confirm_down=2)).content.decode()
    assert "With these settings: 0 flips instead of 12; no outage instead of 6 of 6 min." in text
    same = post(editor, address, do="dry", **fields_of(probe)).content.decode()
    assert "no change: 12 flips" in same
    other = post(
        editor, address, do="dry", **fields_of(probe, target="http://127.0.0.1:9/b")
    ).content.decode()
    assert "made with the old ones" in other
    assert Probe.objects.get().confirm_down == 1


def test_equal_results_fold_and_only_changes_are_one_line_each(editor):
    probe = watched(kind="http")
    checks(probe, ["up"] * 20 + ["down"] * 42)
    text = editor.get(f"/console/probes/{probe.public_id}").content.decode()
    assert "37 more results, all the same: Connection refused" in text
    only = editor.get(f"/console/probes/{probe.public_id}?only=changes").content.decode()
    assert only.split("Last results")[1].split("</table>")[0].count("<tr>") == 1 + 2


def test_a_failing_probe_says_what_the_facts_say(editor):
    ours = group()
    probe, beside = watched(group=ours, kind="http"), watched("Posts", group=ours, kind="http", position=2)
    now = timezone.now()
    found(beside, "up", now)
    fell(probe, now - timedelta(minutes=5, seconds=29))
    Check.objects.filter(probe=probe, outcome="down").update(failure="refused", status_code=None)
    text = editor.get(f"/console/probes/{probe.public_id}").content.decode()
    assert "Failing for 5 min" in text
    assert "The process is not running, or not accepting connections" in text
    assert "Posts" in text.split("Others in this group respond")[1][:60]
    assert f"/console/incidents/new?component={probe.component.public_id}&amp;cause=not_started" in text
    assert "Very likely (80 %)" in text
    assert "systemctl status SERVICE" in text


def test_the_composer_begins_with_what_customers_could_be_told_of_the_cause(editor):
    component = watched().component
    address = f"/console/incidents/new?component={component.public_id}"
    draft = "Part of our service is not running."
    assert draft in editor.get(f"{address}&cause=not_started").content.decode()
    for cause in ("", "nonsense", "blocked"):
        assert draft not in editor.get(f"{address}&cause={cause}").content.decode()


def test_deploys_are_drawn_on_the_chart(editor):
    probe = watched(kind="http")
    checks(probe, ["up"] * 20)
    DeployMarker.objects.create(at=timezone.now() - timedelta(minutes=10), text="v41 <b>")
    text = editor.get(f"/console/probes/{probe.public_id}").content.decode()
    assert text.count('plot__deploy"') == 1
    assert "v41 &lt;b&gt;." in text


def test_the_targets_own_words_are_for_those_who_may_edit(editor, client):
    probe = watched(kind="http")
    fell(probe, timezone.now() - timedelta(minutes=1))
    Check.objects.filter(outcome="down").update(facts={"reason": "inner words", "server": "nginx"})
    address = f"/console/probes/{probe.public_id}"
    assert "inner words" in editor.get(address).content.decode()
    client.force_login(person("viewer"))
    text = client.get(address).content.decode()
    assert ("inner words" in text, "nginx" in text) == (False, True)


def test_what_it_found_before_is_listed_with_the_time_to_detect(editor):
    probe = watched(kind="http")
    fell(probe)
    rose(probe, after(minutes=5))
    Incident.objects.get().post(Post("Done.", phase="resolved"), now=after(minutes=9))
    probe.refresh_from_db()
    (before,) = causes.before(probe, after(hours=1))
    assert (before.detected, before.status) == ("10 s to detect", Status.MAJOR_OUTAGE)
    assert "10 s to detect" in editor.get(f"/console/probes/{probe.public_id}").content.decode()


def test_words_of_the_target_stay_words(editor):
    ours = group(HOSTILE)
    probe = watched(HOSTILE, group=ours, kind="http", target=f"http://127.0.0.1:9/?{HOSTILE}")
    Probe.objects.update(name=HOSTILE)
    Component.objects.update(description=HOSTILE)
    fell(probe, timezone.now() - timedelta(minutes=1))
    Check.objects.filter(outcome="down").update(excerpt=HOSTILE, detail=HOSTILE, facts={HOSTILE: HOSTILE})
    Template.objects.create(name=HOSTILE, body=HOSTILE.replace("{{", "").replace("}}", ""), title="x")
    key = probe.component.public_id
    for address in ("components", f"components/{key}", f"components/{key}/edit", "probes", "templates",
                    f"probes/{probe.public_id}", f"probes/{probe.public_id}/edit"):  # fmt: skip
        text = editor.get(f"/console/{address}").content.decode()
        assert "<script>alert" not in text, address
        assert "&lt;script&gt;alert(1)" in text, address


@pytest.mark.parametrize(("span", "strokes"), [("1h", 2), ("24h", 1), ("7d", 2), ("30d", 2), ("nonsense", 2)])
def test_every_span_draws_with_gaps_as_gaps(editor, span, strokes):
    probe = watched(kind="http", latency_limit_ms=500)
    checks(probe, ["up"] * 20 + ["down"] * 10 + ["up"] * 20)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for back in (1, 2, 30, 31):
        HourTally.objects.create(
            component=probe.component, hour=hour - timedelta(hours=back), latency={"48": 9}
        )
    text = editor.get(f"/console/probes/{probe.public_id}?span={span}").content.decode()
    assert 'role="img"' in text
    line = re.search(r'class="plot__median" d="([^"]*)"', text)[1]
    assert line.count("M") == strokes
    assert "limit 500 ms" in text


def test_an_outage_is_a_band_with_a_word():
    start, end = NOW, after(hours=1)
    bands = [plot.Band(after(minutes=30), after(minutes=40), "no response")]
    points = [latency_chart.Point(after(minutes=n), None if 30 <= n < 40 else 80.0, 120.0) for n in range(60)]
    drawn = latency_chart.draw(points, bands, 500, start=start, end=end, span=plot.SPANS["1h"])
    assert drawn.rects == (("500.0", "166.7"),)
    assert [word.text for what, word in drawn.words if what == "band"] == ["no response"]
    assert drawn.median.count("M") == 2
    assert "Down from 08:30 to 08:40 UTC." in drawn.label
    assert drawn.limit
    far = latency_chart.draw(points, [], 60_000, start=start, end=end, span=plot.SPANS["1h"])
    assert far.limit == ""  # would press the line flat


def test_bands_come_from_the_changes_of_mind(db):
    probe = watched(kind="http")
    fell(probe)
    rose(probe, after(minutes=5))
    (band,) = plot.bands(probe, after(minutes=-30), after(minutes=30))
    assert (band.started_at, band.ended_at, band.word) == (NOW, after(minutes=5), "failing")
    (inside,) = plot.bands(probe, after(minutes=2), after(minutes=30))
    assert inside.started_at == after(minutes=2)
    Flip.objects.all().delete()
    assert plot.bands(probe, NOW, after(minutes=1)) == []


def test_the_csv_holds_the_checks_and_no_formula(editor):
    probe = watched(kind="http")
    checks(probe, ["up", "down"])
    Check.objects.filter(outcome="down").update(detail="=HYPERLINK(1)", region="＝far")
    answer = editor.get(f"/console/probes/{probe.public_id}/checks.csv?span=1h")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("time,region,outcome")
    assert len(lines) == 3
    assert "'=HYPERLINK(1)" in lines[1]
    assert ",'＝far," in lines[1]


# Lists


def test_probes_are_found_by_verdict_and_by_words(editor):
    good, bad = watched("Web", kind="http"), watched("Shop", kind="http", position=2)
    found(good, "up", NOW)
    fell(bad)

    def names(query):
        page = editor.get(f"/console/probes?{query}").content.decode()
        return re.findall(r"/console/probes/(\w{12})", page)

    assert names("") == [good.public_id, bad.public_id]
    assert names("which=failing") == [bad.public_id]
    assert names("q=web") == [good.public_id]
    assert names("which=up&q=shop") == []


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(f"/console/{address}").status_code == 200
    return len(caught)


def test_the_number_of_queries_does_not_grow(editor):
    ours = group()
    first = watched(group=ours, kind="http")
    addresses = ["components", "probes", "templates", f"components/{first.component.public_id}",
                 f"probes/{first.public_id}"]  # fmt: skip
    fell(first, timezone.now() - timedelta(minutes=1))
    before = [queries(editor, address) for address in addresses]
    for n in range(12):
        other = watched(f"C{n}", group=ours if n % 2 else None, position=n + 2, kind="http")
        found(other, "up", timezone.now())
        Probe.objects.create(component=first.component, kind="http", target=f"http://127.0.0.1:9/{n}")
        Template.objects.create(name=f"T{n}", body="x")
        Incident.objects.record("Old", "x", started_at=after(hours=n), ended_at=after(hours=n + 1),
                                now=timezone.now() + timedelta(days=400),
                                statuses={first.component: "major_outage"})  # fmt: skip
    assert [queries(editor, address) for address in addresses[:4]] == before[:4]
    # one more than without an incident before: the flips beside them
    assert queries(editor, addresses[4]) <= before[4] + 1


# Templates


def test_templates_are_written_seen_ordered_and_deleted(editor):
    Template.objects.all().delete()
    for name in ("One", "Two"):
        post(
            editor,
            "templates/new",
            kind="update",
            name=name,
            title="",
            phase="",
            body="{Components} by {next}",
        )
    one, two = Template.objects.all()
    post(editor, f"templates/{two.pk}/move", way="up")
    assert [t.name for t in Template.objects.all()] == ["Two", "One"]
    seen = post(editor, f"templates/{one.pk}", do="preview", kind="update", name="One", title="", phase="",
                body="{Components} fails for {whom}, by **{next}**").content.decode()  # fmt: skip
    assert "Chat fails for {whom}, by <strong>03:50 UTC</strong>" in seen
    assert "For you to fill in: whom." in seen
    bad = post(editor, f"templates/{one.pk}", kind="update", name="One", title="", phase="", body="{1x}")
    assert (bad.status_code, "cannot be a name" in bad.content.decode()) == (400, True)
    assert Template.objects.get(pk=one.pk).body == "{Components} by {next}"
    post(editor, f"templates/{one.pk}/delete")
    assert Template.objects.count() == 1


# Who may what


def test_each_role_does_what_it_may(client, db):
    probe = watched(kind="http")
    text = Template.objects.create(name="T", body="x")
    key, pk = probe.component.public_id, probe.public_id
    read = [
        "components",
        f"components/{key}",
        "probes",
        f"probes/{pk}",
        f"probes/{pk}/checks.csv",
        "templates",
    ]
    forms = ["components/new", f"components/{key}/edit", "groups/new", f"probes/{pk}/edit",
             f"components/{key}/probe", "templates/new", f"templates/{text.pk}"]  # fmt: skip
    verbs = ["components/move", f"components/{key}/show", f"components/{key}/delete", f"probes/{pk}/pause",
             f"probes/{pk}/resume", f"probes/{pk}/delete", f"templates/{text.pk}/move",
             f"templates/{text.pk}/delete"]  # fmt: skip
    for address in [*read, *forms]:
        assert "/login/" in client.get(f"/console/{address}").headers["location"]
    for role in (Role.VIEWER, Role.RESPONDER):
        staff(client, role)
        assert {client.get(f"/console/{one}").status_code for one in read} == {200}
        assert {client.get(f"/console/{one}").status_code for one in forms} == {403}
        assert {client.post(f"/console/{one}").status_code for one in [*forms, *verbs]} == {403}
        checked = client.post(f"/console/probes/{pk}/check").status_code
        assert checked == (302 if role is Role.RESPONDER else 403)
        shown = client.get("/console/components").content.decode()
        assert "Move " not in shown
        assert "New component" not in shown
    assert Audit.objects.exclude(act__in=("probe.check", "login")).count() == 0
    staff(client, Role.EDITOR)
    assert {client.get(f"/console/{one}").status_code for one in forms} == {200}


# In a browser


def enter(web, browser, **more):
    found = get_user_model().objects.filter(username="mira").first()
    mira = found or person("mira", Role.ADMIN)
    return browser.open(f"{web.url}/console/components", session=cookie(mira), **more)


def order_of(page):
    return page.locator("[data-row] a.strong").all_inner_texts()


def test_the_order_is_changed_by_keyboard_and_the_focus_stays(web, browser):
    two_groups()
    page = enter(web, browser)
    page.locator("#order").wait_for()
    page.get_by_role("button", name="Move App up").focus()
    page.keyboard.press("Enter")
    page.get_by_text("“App” is now number 1 of 2 in Front.").wait_for()
    assert order_of(page) == ["App", "Web", "API", "Mail"]
    assert page.evaluate("document.activeElement.textContent").strip().endswith("Move App up")
    page.keyboard.press("Tab")
    for words in ("number 2 of 2 in Front", "number 1 of 2 in Back"):
        page.keyboard.press("Enter")
        page.get_by_text(f"“App” is now {words}.").wait_for()
    assert listed() == [("Front", ["Web"]), ("Back", ["App", "API"]), ("-", ["Mail"])]
    assert page.get_attribute("#said", "role") == "status"


def test_the_order_is_changed_by_pointer_and_without_script(web, browser):
    _, _, made = two_groups()
    page = enter(web, browser)
    grip = page.locator(f"#c-{made['Mail'].public_id} .grip").bounding_box()
    goal = page.locator(f"#c-{made['Web'].public_id}").bounding_box()
    page.mouse.move(grip["x"] + 8, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(goal["x"] + 60, goal["y"] + goal["height"] / 2 + 30, steps=5)
    page.mouse.move(goal["x"] + 60, goal["y"] + goal["height"] - 4, steps=5)
    page.mouse.up()
    page.get_by_text("“Mail” is now number 2 of 3 in Front.").wait_for()
    assert listed()[0] == ("Front", ["Web", "Mail", "App"])
    plain = enter(web, browser, script=False)
    plain.get_by_role("button", name="Move Mail up").click()
    plain.get_by_text("“Mail” is now number 1 of 3 in Front.").wait_for()
    assert plain.evaluate("document.activeElement.id") == f"up-c-{made['Mail'].public_id}"
    assert plain.locator(".grip").first.is_hidden()


def test_options_follow_the_kind_without_a_button(web, browser):
    probe = watched(kind="http")
    page = enter(web, browser)
    page.goto(f"{web.url}/console/probes/{probe.public_id}/edit")
    assert page.input_value("#id_kind") == "http"
    page.fill("#id_name", "Kept")
    page.select_option("#id_kind", "dns")
    page.locator("#id_dns__record_type").wait_for()
    assert page.input_value("#id_name") == "Kept"
    assert page.input_value("#id_kind") == "dns"
    assert page.locator("#id_http__method").count() == 0


def test_nobody_is_shut_out_of_what_is_watched(web, browser):
    """With fifty checks, a fall and a group of two: the rest is in test_everywhere_browser."""
    ours = group()
    probe = watched("Chat", group=ours, kind="http", latency_limit_ms=500)
    found(watched("Posts", group=ours, position=2, kind="http"), "up", timezone.now())
    checks(probe, ["up"] * 40 + ["down"] * 10)
    fell(probe, timezone.now() - timedelta(minutes=10))
    page, wrong = enter(web, browser, width=390, scheme="dark"), []
    for address in (
        "components", f"components/{probe.component.public_id}", "probes", f"probes/{probe.public_id}",
    ):  # fmt: skip
        page.goto(f"{web.url}/console/{address}")
        wrong += [f"{address}: {fault}" for fault in faults(page)]
        if sticks_out(page):
            wrong.append(f"{address} scrolls sideways")
    assert wrong == [], "\n".join(wrong)
