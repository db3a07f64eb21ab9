"""Who may not edit probes reads neither tokens of targets nor what targets answer; strangers less."""

import pytest
from django.utils import timezone

from components import failures
from components.models import Check, Probe
from components.outcomes import Failure
from components.passive.alerts import Alert, AlertState
from incidents.models import Update
from incidents.staff_questions import questions
from statuspage.console.probe_detail.reports import _open_alerts
from statuspage.models import Audit, Role
from tests.making import NOW, after, fell, watched
from tests.people import person

SECRET = "s3cret-token"
TARGET = f"https://ada:{SECRET}@internal.example/health?key={SECRET}&deep=1#{SECRET}"
SAYS = f"The JSON path finds {SECRET}, not ok."


@pytest.fixture
def probe(db):
    probe = watched("API")
    Probe.objects.filter(pk=probe.pk).update(target=TARGET, outcome="down", since=NOW, name="")
    Check.objects.create(
        probe=probe, slot=int(timezone.now().timestamp()), region="local", outcome="down",
        failure="assertion",
        detail=SAYS, excerpt=f"the answer: {SECRET}", total_ms=3, status_code=200,
        facts={"location": f"https://x.example/?session={SECRET}", "server": "nginx"},
    )  # fmt: skip
    return Probe.objects.get()


def reads(client, role, probe):
    """All that the console shows somebody of the probe."""
    client.force_login(person(role.name.lower(), role))
    paths = [
        "/console/", "/console/probes", f"/console/probes?q={probe.component.name}",
        f"/console/probes/{probe.public_id}", f"/console/probes/{probe.public_id}?part=live",
        f"/console/components/{probe.component.public_id}", f"/console/probes/{probe.public_id}/checks.csv",
    ]  # fmt: skip
    answers = [client.get(path) for path in paths]
    assert {one.status_code for one in answers} == {200}
    return "".join(b"".join(one).decode() if one.streaming else one.content.decode() for one in answers)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESPONDER])
def test_who_may_not_edit_probes_reads_no_token_and_no_answer(client, probe, role):
    text = reads(client, role, probe)
    assert SECRET not in text
    assert "https://internal.example/health?key=…&amp;deep=…" in text
    assert "The response did not have the expected content." in text


QUOTED = {
    "a wall's page": (403, "Access Denied. No permission for http://db7.lan/x on this server. Reference #18"),
    "a database's error": (500, "connection to server at db7.lan, port 5432 failed: refused"),
    "a client's error": (500, "psqlexception: connection to db7.lan:5432 refused"),
    "no name": (500, "Error: could not translate host name to address, getaddrinfo ENOTFOUND"),
}


@pytest.mark.parametrize("said", QUOTED)
def test_the_reasons_for_a_cause_quote_the_answer_only_to_who_may_read_it(client, probe, said):
    status, answer = QUOTED[said]
    now = int(timezone.now().timestamp())
    Check.objects.update(failure="status", status_code=status, excerpt=answer, detail="", slot=now, facts={})
    for role in (Role.VIEWER, Role.RESPONDER):
        text = reads(client, role, probe)
        assert "db7" not in text
        assert "The response says “" not in text
        assert "challenge: “" not in text
    assert "says “" in reads(client, Role.EDITOR, probe) or "challenge: “" in reads(client, Role.ADMIN, probe)


def test_who_edits_probes_reads_all_of_it(client, probe):
    text = reads(client, Role.EDITOR, probe)
    for words in (SAYS, f"the answer: {SECRET}"):
        assert words in text, words


def test_an_alert_without_a_name_shows_its_text_only_to_who_edits_probes():
    alert = Alert("firing", 0.0, 0.0, name="", text=SAYS)
    state = AlertState(alerts={"1": alert})
    assert [row.name for row in _open_alerts(state, is_whole=True)] == [SAYS]
    assert [row.name for row in _open_alerts(state, is_whole=False)] == ["an alert without a name"]


def test_a_search_does_not_find_out_what_is_masked(client, probe):
    client.force_login(person("vera", Role.VIEWER))
    for words, is_found in ((SECRET[:3], False), ("key=s", False), ("internal.example", True), ("API", True)):
        text = client.get("/console/probes", {"q": words}).content.decode()
        assert (f"/console/probes/{probe.public_id}" in text) is is_found, words


def test_the_audit_log_keeps_no_token(client, probe):
    client.force_login(person("ed", Role.EDITOR))
    form = {"kind": "http", "name": "", "interval_s": 60, "timeout_s": 10, "retry_s": 5, "confirm_down": 2,
            "confirm_up": 2, "down_status": "major_outage", "region": "local", "http__method": "GET",
            "http__expected_status": "200-299", "target": f"https://example.org/?key={SECRET}2"}  # fmt: skip
    assert client.post(f"/console/probes/{probe.public_id}/edit", form).status_code == 302
    assert client.post(f"/console/probes/{probe.public_id}/delete").status_code == 302
    told = [f"{row.thing} {row.before} {row.after}" for row in Audit.objects.filter(act__startswith="probe.")]
    assert len(told) == 2
    assert SECRET not in "".join(told)
    assert "https://example.org/?key=…" in told[1]


def test_options_changed_in_djangos_admin_are_named_without_their_values(client, probe):
    client.force_login(person("root", Role.ADMIN))
    address = f"/admin/components/probe/{probe.pk}/change/"
    form = {"kind": "http", "name": "", "interval_s": 60, "timeout_s": 10, "retry_s": 5, "confirm_down": 2,
            "confirm_up": 2, "down_status": "major_outage", "region": "local", "http__method": "POST",
            "http__expected_status": "200-299", "target": "https://example.org/", "dns__record_type": "A",
            "component": probe.component_id, "http__headers": f"Authorization: Bearer {SECRET}",
            "http__body": f"pin={SECRET}"}  # fmt: skip
    answer = client.post(address, form)
    assert answer.status_code == 302, answer.content.decode()
    row = Audit.objects.get(act="admin.probe.change")
    assert (row.after["http__headers"], row.after["http__body"]) == ("…", "…")
    assert SECRET not in f"{row.before} {row.after}"


def test_djangos_admin_is_written_down_without_tokens(client, probe):
    Audit.objects.note(
        None, "admin.probe.change", probe, before={"target": TARGET}, after={"target": "a?b=c"}
    )
    row = Audit.objects.get()
    assert (row.before["target"], row.after["target"]) == (
        "https://internal.example/health?key=…&deep=…", "a?b=…",
    )  # fmt: skip
    assert SECRET not in row.thing


@pytest.mark.parametrize("failure", [Failure.ASSERTION, Failure.DNS, Failure.TLS])
def test_what_a_prober_says_is_no_fact_of_an_incident(db, failure):
    """Strangers read facts, and every reader of the console the notes; a prober's sentence may quote."""
    first, hidden = watched(), watched("Hidden", shown=False)
    beside = Probe.objects.create(component=first.component, target=TARGET, interval_s=60, timeout_s=10)
    for number, probe in enumerate((first, beside, hidden)):
        fell(probe, after(minutes=number), failure=failure)  # its sentence here is "Answered 503, …"
    bodies = list(Update.objects.values_list("body", flat=True))
    assert f"First failed check: {failures.ROWS[failure].met}" in bodies
    assert sum(failures.ROWS[failure].met in body for body in bodies) == 2
    assert "503" not in "".join(bodies)
    assert SECRET not in "".join(bodies)


def test_the_key_of_a_question_holds_no_token(probe):
    Probe.objects.update(passed_at=None)
    (question,) = questions(NOW)
    assert SECRET not in question.key
    Probe.objects.update(target=TARGET.replace("deep", "flat"))
    assert questions(NOW)[0].key != question.key


def test_who_names_a_probe_is_told_that_customers_read_it(client, probe):
    client.force_login(person("ed", Role.ADMIN))
    pages = (
        f"/console/probes/{probe.public_id}/edit", f"/console/components/{probe.component.public_id}/probe",
        f"/admin/components/probe/{probe.pk}/change/", "/admin/components/probe/add/",
    )  # fmt: skip
    for page in pages:
        assert "Shown to customers where an incident shows" in client.get(page).content.decode(), page
