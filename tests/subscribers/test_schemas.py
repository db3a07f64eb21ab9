"""What webhooks carry, and what the subscribers' API answers, is what docs/schemas say."""

import pytest
from django.utils import timezone

from incidents import automation
from incidents.models import Post
from subscribers.delivery import fan_out
from tests import full_page
from tests.json_schemas import faults
from tests.subscribers.making import webhook


def test_the_body_of_each_kind_of_webhook_is_what_the_schema_says(post, sink):
    now = timezone.now()
    webhook(f"{sink.url}/a")
    fan_out.note_changes(now)
    shown = full_page.spoken(now)
    post.deliver()
    shown.opened.post(Post("Over.", phase="resolved", statuses={shown.chat: "operational"}), now=now)
    shown.planned.cancel(now)
    automation.complete_maintenance(shown.working, now)
    post.deliver()
    sent = [one.json for one in sink.got]
    assert sent
    for body in sent:
        assert faults(body, "webhook") == []
    told = [body["incident"] for body in sent if "incident" in body]
    assert {"resolved", "postmortem", "scheduled", "in_progress", "completed"} <= {
        one["status"] for one in told
    }
    assert any("component_update" in body for body in sent)


@pytest.mark.parametrize("how", ["read", "mail", "endpoint", "none"])
def test_the_answers_about_subscribers_are_what_the_schemas_say(client, db, how):
    path = "/api/v2/subscribers.json"
    if how == "read":
        answer = client.get(path)
    else:
        endpoint = {"endpoint": "https://hooks.example/a", "email": "a@example.org"}
        told = {"mail": {"email": "a@example.org"}, "endpoint": endpoint, "none": {}}[how]
        answer = client.post(path, {"subscriber": told}, content_type="application/json")
    assert answer.status_code == (422 if how == "none" else 200)
    assert faults(answer.json(), "error" if how == "none" else "subscribers") == []


def test_the_page_is_the_same_wherever_it_is_told(client, db):
    asked = [client.get(f"/api/v2/{name}.json").json()["page"] for name in ("subscribers", "status")]
    assert asked[0] == asked[1]
