"""What nobody can see does not get into a title, a name or a text, whichever way it comes."""

import csv
import io
import sys
import unicodedata
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client

from components.models import Component
from components.texts import lines, one_line
from incidents.models import Incident, Maintenance, Update
from statuspage.feeds import views as feed_views
from statuspage.models import Audit, Role
from statuspage.public import history_views
from tests.making import NOW, after, component
from tests.people import person

BREAKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
BAD = {"Cc", "Cs", "Zl", "Zp"}
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = "Chat\r\nBcc: all@example.org\t\x1b[31mis\u202e slow\x9b\x7f\u2028now\ufeff\uffff"
TAME = "Chat Bcc: all@example.org [31mis slow now"


def test_no_character_breaks_a_line_or_hides_in_it():
    every = map(chr, range(sys.maxunicode + 1))
    for char in (one for one in every if unicodedata.category(one) in BAD or one in TURNS):
        kept = one_line(f"a{char}b")
        if char in BREAKS:
            assert kept == "a b", ascii(char)
        else:
            assert kept == "ab", ascii(char)
        assert len(kept.splitlines()) == 1
        left = {unicodedata.category(one) for one in lines(f"a{char}b") if one not in "\n\t"}
        assert not left & BAD, ascii(char)


@pytest.mark.parametrize(
    "text",
    [
        "Panne\u202f: café\u00a0!",
        "👩‍👩‍👧 family",
        "می\u200cخواهم",
        "\u200fשלום",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "a  b",
        "e\u0301",
        "日本語",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert one_line(text) == text
    assert lines(f"{text}\n\n\t{text}") == f"{text}\n\n\t{text}"


def test_every_line_end_is_one(db):
    assert lines("a\r\nb\rc\u2028d\x85e") == "a\nb\nc\nd\ne"


def test_a_command_keeps_one_line(db):
    component("API")
    call_command(
        "post", "new", title=NASTY, body="It\x1b is\r\nslow.\x00", component=["API"], stdout=io.StringIO()
    )
    incident = Incident.objects.get()
    assert incident.title == TAME
    assert Update.objects.get().body == "It is\nslow."


def test_every_way_into_a_row_is_the_same(db):
    made = Component.objects.create(name=NASTY, description="a\nb")
    assert (made.name, made.description) == (TAME, "a b")
    Component.objects.update(name=NASTY)
    assert Component.objects.get().name == TAME
    Component.objects.bulk_update([Component(pk=made.pk, name=f"{NASTY}!")], ["name"])
    assert Component.objects.values_list("name", flat=True).get() == f"{TAME}!"
    with pytest.raises(ValidationError):
        Component(name="\n\u202e\x01").full_clean()


def test_rows_of_an_earlier_version_are_tame_when_they_are_read(db):
    made = Component.objects.create(name="x")
    incident = Incident.objects.open("x", "y", components=[made], now=NOW)
    nasty = NASTY.replace("\uffff", "")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE components_component SET name = %s", [nasty])
        cursor.execute("UPDATE incidents_incident SET title = %s", [nasty])
    assert Component.objects.get().name == TAME
    answer = history_views.history_csv.gather(after(hours=1)).render(after(hours=1)).decode()
    rows = list(csv.reader(io.StringIO(answer)))
    assert any(TAME in row for row in rows)
    assert all(len(row) == len(rows[0]) for row in rows)
    assert incident.public_id in answer


def test_planned_work_and_its_calendar_hold_one_line(db):
    begin = after(hours=1)
    work = Maintenance.objects.plan(
        NASTY, "Words\x0b.", begin, begin + timedelta(hours=1), components=[component()], now=NOW
    )
    assert work.title == TAME
    told = feed_views.page_calendar.gather(NOW).render(NOW).decode()
    assert TAME.split(" ")[1] in told
    assert not {one for one in told if unicodedata.category(one) == "Cc"} - {"\r", "\n"}


def test_a_form_keeps_one_line_and_so_does_the_log(db):
    client = Client()
    client.force_login(person("ada", Role.ADMIN))
    answer = client.post("/console/groups/new", {"name": f"Team{NASTY}".replace("\x00", "")})
    assert answer.status_code == 302
    assert Audit.objects.filter(thing__contains=TAME).exists()
    assert not Audit.objects.filter(thing__contains="\n").exists()
