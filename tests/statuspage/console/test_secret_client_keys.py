"""The private key of a client certificate is read by nobody once it was typed: on no page, in no log."""

import html
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter

from components.models import Probe
from incidents.models import TakenForm
from statuspage.console import probes as views
from statuspage.models import Audit, Role
from statuspage.public.views import overview
from tests.components.test_client_certificates import pair
from tests.making import NOW, watched
from tests.people import person
from tests.showing import CONSOLE, HERE, is_in, kept, posted, text_of
from tests.statuspage.console.test_components import fields_of


@pytest.fixture
def editor(client, db):
    client.force_login(person("ed", Role.EDITOR))
    return client


def test_the_key_stands_on_no_page_in_no_log_and_in_no_export(editor, client, caplog):
    ours, probe = pair(), watched(kind="http", target=HERE)
    page = f"{CONSOLE}{probe.public_id}"
    fields = fields_of(probe, client_certificate=ours[0], client_key=ours[1], form_key="k" * 16)
    assert client.post(f"{page}/edit", fields).status_code == 302
    assert client.post(f"{page}/edit", fields).status_code == 302  # taken once
    dumped = StringIO()
    call_command("dumpdata", stdout=dumped)
    seen = [dumped.getvalue(), caplog.text, list(Audit.objects.values()), list(TakenForm.objects.values())]
    client.force_login(person("root", Role.ADMIN))
    addresses = (page, f"{page}?part=live", f"{page}/edit", "/console/probes", "/console/audit/", "/console/",
                 f"/console/components/{probe.component.public_id}", "/admin/components/probe/",
                 f"/admin/components/probe/{probe.pk}/change/",
                 f"/admin/components/probe/{probe.pk}/history/",
                 f"/admin/components/component/{probe.component_id}/change/")  # fmt: skip
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        seen.append(answer.content.decode())
    for text in seen:
        assert not is_in(ours[1], text)
        assert str(Probe.objects.get().sealed_client_key) not in str(seen[1:])
    until = f"{datetime.now(UTC) + timedelta(days=30, hours=1):%-d %b %Y}"
    told = html.unescape(client.get(page).content.decode())
    assert f"Client certificate: set, valid until {until} (CN=probe)" in told
    assert "BEGIN" not in told
    form = html.unescape(client.get(f"{page}/edit").content.decode())
    assert f"Set, valid until {until} (CN=probe). Leave both fields empty to keep it." in form
    assert "BEGIN" not in form


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval_s": 1},
        {"target": "http://"},
        {"do": "options"},
        {"do": "dry"},
        {"do": "try", "target": "https://127.0.0.1:9/"},
    ],
)
def test_a_form_that_comes_back_has_dropped_the_key_and_says_so(editor, wrong):
    ours, probe = pair(), watched(kind="http", target=HERE)
    text = text_of(posted(editor, probe, ours, **wrong))
    assert ours[0].strip() in text  # no secret: only the key is to be pasted again
    assert not is_in(ours[1], text)
    beside = text.partition('id="id_client_key"')[2].partition("<p class")[0]
    assert "<b>Paste the key again before you save" in beside
    assert not Probe.objects.get().client_certificate


def test_what_strangers_are_shown_is_made_without_reading_it(db):
    kept(pair())
    with CaptureQueriesContext(connection) as asked:
        assert "API" in overview.gather(NOW).render(NOW).decode()
    assert "components_probe" in str(asked.captured_queries)
    assert "client_certificate" not in str(asked.captured_queries)
    assert "sealed_client_key" not in str(asked.captured_queries)


def test_a_report_of_an_error_holds_no_key(editor, monkeypatch):
    ours, probe = pair(), watched(kind="http", target=HERE)
    request = RequestFactory().post("/", fields_of(probe, client_certificate=ours[0], client_key=ours[1]))
    request.user = person("bob", Role.EDITOR)
    monkeypatch.setattr(views, "_save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        views.edit(request, probe.public_id)
    report = ExceptionReporter(request, caught.type, caught.value, caught.tb)
    text = report.get_traceback_text()
    assert "client_certificate" in text
    assert not is_in(ours[1], text)


def test_a_name_in_a_certificate_is_no_markup(editor):
    chain, key = pair()
    probe = kept((chain, key))
    name = '"><script>alert(1)</script>'
    made = pair(name=name)
    assert posted(editor, probe, made).status_code == 302
    editor.force_login(person("root", Role.ADMIN))
    for page in (f"{CONSOLE}{probe.public_id}", f"{CONSOLE}{probe.public_id}/edit", "/console/audit/"):
        raw = editor.get(page).content.decode()
        assert "alert(1)" in raw
        assert "<script" not in raw.partition("alert(1)")[0][-30:]
    assert r"\<script\>alert(1)" in text_of(editor.get(f"{CONSOLE}{probe.public_id}"))
