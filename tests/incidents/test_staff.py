"""Staff post from Django's admin and from the shell."""

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from incidents import automation
from incidents.markdown import to_html, to_text
from incidents.models import Incident, Post
from tests.making import after, fell, rose, watched


@pytest.fixture
def staff(client, db):
    client.force_login(get_user_model().objects.create_superuser("ada", password="x"))
    return client


def form(incident=None, **changes):
    rows = {}
    told = {
        "affected": list(incident.affected.all()) if incident else [],
        "updates": list(incident.updates.order_by("-number")) if incident else [],
    }
    for prefix, initial in told.items():
        rows |= {f"{prefix}-TOTAL_FORMS": len(initial), f"{prefix}-INITIAL_FORMS": len(initial)}
        for n, row in enumerate(initial):
            rows |= {f"{prefix}-{n}-id": row.pk, f"{prefix}-{n}-incident": incident.pk}
            if prefix == "affected":
                rows |= {f"{prefix}-{n}-component": row.component_id, f"{prefix}-{n}-status": row.status,
                         f"{prefix}-{n}-worst_status": row.worst_status}  # fmt: skip
            else:
                rows[f"{prefix}-{n}-body"] = row.body
    return rows | {"title": incident.title if incident else "Slow login", **changes}


def test_an_update_typed_into_the_box_is_posted_and_takes_the_incident_over(staff):
    fell(watched())
    incident = Incident.objects.get()
    answer = staff.post(
        f"/admin/incidents/incident/{incident.pk}/change/",
        form(incident, post_phase="identified", post_body="We *found* it."),
    )
    assert answer.status_code == 302
    incident.refresh_from_db()
    assert (incident.phase, incident.is_owned) == ("identified", True)
    update = incident.updates.last()
    assert (update.body, update.author.username, update.is_by_machine) == ("We *found* it.", "ada", False)


def test_saving_without_words_posts_nothing(staff):
    fell(watched())
    incident = Incident.objects.get()
    staff.post(f"/admin/incidents/incident/{incident.pk}/change/", form(incident, title="Another title"))
    incident.refresh_from_db()
    assert (incident.title, incident.is_owned) == ("Another title", False)


def test_a_person_opens_an_incident_with_a_word(staff):
    refused = staff.post("/admin/incidents/incident/add/", form(post_phase="investigating", post_body=" "))
    assert "an incident needs a first update" in refused.content.decode()
    assert not Incident.objects.exists()
    staff.post("/admin/incidents/incident/add/", form(post_phase="investigating", post_body="We look."))
    incident = Incident.objects.get()
    assert incident.is_owned
    assert incident.published_at is not None
    assert incident.updates.get().body == "We look."


def test_an_edited_word_keeps_its_first_form(staff):
    fell(watched())
    incident = Incident.objects.get()
    rows = form(incident)
    row = next(n for n in range(9) if rows[f"updates-{n}-body"].startswith("API is returning"))
    rows[f"updates-{row}-body"] = "Corrected."
    staff.post(f"/admin/incidents/incident/{incident.pk}/change/", rows)
    update = incident.updates.get(body="Corrected.")
    assert update.first_body.startswith("API is returning")


def test_a_resolved_incident_refuses_an_open_phase_in_the_form(staff):
    fell(watched())
    incident = Incident.objects.get()
    incident.post(Post("Done.", phase="resolved"), now=after(minutes=3))
    incident.refresh_from_db()
    answer = staff.post(
        f"/admin/incidents/incident/{incident.pk}/change/",
        form(incident, post_phase="investigating", post_body="Again?"),
    )
    assert "This incident is resolved" in answer.content.decode()


@pytest.mark.parametrize("action", ["publish", "hand_back"])
def test_actions_in_the_list(staff, action):
    probe = watched(auto="suggest")
    fell(probe)
    incident = Incident.objects.get()
    if action == "hand_back":
        incident.post(Post("Ours.", phase="identified"), now=after(minutes=1))
    staff.post("/admin/incidents/incident/", {"action": action, "_selected_action": [incident.pk]})
    incident.refresh_from_db()
    assert incident.published_at is not None
    assert not incident.is_owned


def post(*arguments, **options):
    out = StringIO()
    call_command("post", *arguments, stdout=out, **options)
    return out.getvalue()


def test_from_the_shell(db):
    probe = watched()
    fell(probe)
    incident = Incident.objects.get()
    assert "identified" in post(incident.public_id, phase="identified", body="Found it.", next=15)
    assert "monitoring" in post("last", phase="monitoring", body="Fixed, we watch.")
    rose(probe, after(minutes=5))
    incident.refresh_from_db()
    assert [u.body for u in incident.updates.filter(kind="post")][1:] == ["Found it.", "Fixed, we watch."]
    post("new", title="Slow login", body="We look.", component=["API"])
    assert Incident.objects.get(title="Slow login").affected.get().component == probe.component


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (["zzzzzzzzzzzz"], {"body": "x"}, "There is no incident"),
        (["last"], {"body": "x", "phase": "solved"}, "phase: “solved” is not a phase"),
        (["last"], {"body": " "}, "body: The update is empty"),
        (["new"], {"body": "x"}, "title"),
        (["new"], {"body": "x", "title": "y" * 300}, "title"),
        (["new"], {"body": "x", "title": "y", "component": ["Nothing"]}, "There is no component"),
    ],
)
def test_the_shell_refuses_with_a_sentence(db, arguments, options, words):
    fell(watched())
    before = Incident.objects.get().updates.count()
    with pytest.raises(CommandError, match=words):
        post(*arguments, **options)
    assert Incident.objects.get().updates.count() == before


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[a](javascript:alert(1))", 'href="javascript'),
        ("[a](data:text/html,x)", 'href="data'),
        ("![a](http://x/y.png)", "<img"),
        ('<a href="x" onclick="y">', '<a href="x" onclick'),
        ("<svg onload=alert(1)>", "<svg"),
        ("<iframe src=x>", "<iframe"),
        ("<style>*{}</style>", "<style"),
        ('[x](http://a"onmouseover="b)', " onmouseover="),
        ("`</code><script>`", "<script"),
    ],
)
def test_nothing_that_runs_survives(text, never):
    assert never not in to_html(text)


def test_what_staff_need_does_survive():
    html = to_html(
        "# Title\n\n**bold** `code` ~~gone~~\n\n- one\n- two\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\nhttps <https://x.org>"
    )
    for tag in ("<h3>", "<strong>", "<code>", "<s>gone</s>", "<li>", "<table>", 'rel="noopener nofollow"'):
        assert tag in html
    assert to_text("**a** [b](http://x)\n\nc") == "a b c"
    assert to_text("a & b < c") == "a & b < c"


def test_what_concerns_hidden_components_alone_is_published_in_the_console(staff):
    fell(watched("Backstage", shown=False))
    incident = Incident.objects.get()
    address = f"/admin/incidents/incident/{incident.pk}/change/"
    words = {"post_phase": "identified", "post_body": "We found it."}
    told = [
        staff.post(address, form(incident, **words)),
        staff.post(
            "/admin/incidents/incident/",
            {"action": "publish", "_selected_action": [incident.pk]},
            follow=True,
        ),
    ]
    for answer in told:
        assert "Publish it in the console" in answer.content.decode()
    assert not Incident.objects.public().exists()
    automation.publish(incident, after(minutes=1))
    incident.refresh_from_db()
    assert staff.post(address, form(incident, **words)).status_code == 302
