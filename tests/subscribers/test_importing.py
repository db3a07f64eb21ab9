"""Files of subscribers: taken in line by line, broken off and gone on with, and given out again."""

import csv
import io
import json
import stat
import tracemalloc

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from components import texts
from statuspage.models import Audit, Role
from subscribers import csv_format, exporting, importing
from subscribers.models import Delivery, Import, ImportPart, State, Subscriber
from tests.making import component, group
from tests.people import person
from tests.subscribers.making import mail, somebody, webhook
from tests.subscribers.test_push import subscription

HOME = "/console/subscribers/"


@pytest.fixture
def admin(client, db):
    client.force_login(person("mira", Role.ADMIN))
    return client


def sheet(*rows, head="channel,address,components,groups,kinds,least_impact,digest,state"):
    return io.StringIO("\n".join([head, *rows]) + "\n")


def take(file, **more):
    return importing.take_in(list(csv_format.lines(file)), importing.Places.now(), timezone.now(), **more)


def facts():
    return {
        one.shown: (one.channel, one.state, one.is_all, one.least_impact, one.is_digest)
        for one in Subscriber.objects.all()
    }


def test_a_line_becomes_a_subscriber_with_its_choices(db):
    ours = group("Core, and more")
    chat = component("Chat", group=ours)
    tally = take(sheet(
        'email,Ada@Acme.Example,Chat,"Core, and more",incident maintenance,major,yes,',
        "webhook,http://127.0.0.1:9/hook,,,,,,",
        "email,gone@acme.example,,,,,,left",
    ))  # fmt: skip
    assert (tally.added, tally.known, tally.refused) == (3, 0, [])
    assert facts() == {
        "Ada@acme.example": ("email", "active", False, 2, True),
        "127.0.0.1/hook": ("webhook", "active", True, 0, False),
        "gone@acme.example": ("email", "left", True, 0, False),
    }
    ada = Subscriber.objects.get(shown="Ada@acme.example")
    assert (list(ada.components.all()), list(ada.groups.all())) == ([chat], [ours])
    assert (ada.wants_incident, ada.wants_postmortem, ada.source) == (True, False, "import")
    assert Subscriber.objects.get(channel="webhook").secrets(timezone.now())
    assert not Delivery.objects.exists()  # nobody is mailed


REFUSED = (
    ("email,nonsense,,,,,,", "Enter an address like you@example.com."),
    ("email,,,,,,,", "the address is missing: fill it in, or remove the line."),
    ("pigeon,a@x.example,,,,,,", "“pigeon” is not a channel that can be imported"),
    ("apprise,json://x,,,,,,", "“apprise” is not a channel that can be imported"),
    ("email,a@x.example,Nothing,,,,,", "none of the components is named “Nothing”"),
    ("email,a@x.example,Twice,,,,,", "more than one of the components is named “Twice”"),
    ("email,a@x.example,,,gossip,,,", "“gossip” is not an update type"),
    ("email,a@x.example,,,,huge,,", "“huge” is not an impact"),
    ("email,a@x.example,,,,,maybe,", "“maybe” is not valid for digest: write yes or no."),
    ("email,a@x.example,,,,,,dead", "“dead” is not a state"),
    ("slack,https://evil.example/,,,,,,", "This is not a valid Slack address"),
    ("webhook,http://10.0.0.1/,,,,,,", "private or reserved network"),
)


@pytest.mark.parametrize(("line", "sentence"), REFUSED, ids=lambda text: text[:24])
def test_what_cannot_be_taken_is_said_with_its_line_and_the_rest_is_taken(db, line, sentence):
    component("Twice")
    component("Twice")
    tally = take(sheet("email,ok@x.example,,,,,,", line))
    assert tally.added == 1
    ((number, said),) = tally.refused
    assert number == 3
    assert sentence in said


@pytest.mark.parametrize(
    ("head", "line", "expected"),
    [
        ("Email,Endpoint,Mode,Components", "a@x.example,,email,Chat", ("email", "active", False)),
        ("Email,Endpoint,Mode", "a@x.example,https://h.example/x,webhook", ("webhook", "active", True)),
        ("type,endpoint", "webhook,https://h.example/x", ("webhook", "active", True)),
        ("Type,Email Address,Quarantined At", "email,a@x.example,2026-01-01", ("email", "quarantined", True)),
        ("\ufeffEmail", "a@x.example", ("email", "active", True)),
        ("Email,Component IDs", "a@x.example,\"Chat, Files\"", ("email", "active", False)),
        ("Email,Confirmed", "a@x.example,no", ("email", "unconfirmed", True)),
        ("address", "https://h.example/x", ("webhook", "active", True)),
    ],
)  # fmt: skip
def test_the_exports_of_others_are_understood(db, head, line, expected):
    component("Chat")
    component("Files")
    tally = take(sheet(line, head=head))
    assert tally.refused == []
    one = Subscriber.objects.get()
    assert (one.channel, one.state, one.is_all) == expected


def test_a_phone_number_is_refused_with_a_way_out(db):
    tally = take(sheet("sms,,555,US", head="Mode,Email,Phone number,Phone country"))
    assert "text messages are not supported" in tally.refused[0][1]


def test_taking_in_the_same_file_twice_is_once_and_nobody_who_left_comes_back(db):
    gone = mail("gone@x.example")
    gone.leave(timezone.now())
    text = ("email,gone@x.example,,,,,,", "email,a@x.example,,,,,,", "email,a@X.example,,,,,,")
    first = take(sheet(*text))
    assert (first.added, first.known) == (1, 2)
    again = take(sheet(*text))
    assert (again.added, again.known) == (0, 3)
    gone.refresh_from_db()
    assert gone.state == State.LEFT


def test_asked_to_the_import_sends_each_new_one_a_confirmation(db):
    mail("old@x.example")
    take(
        sheet("email,old@x.example,,,,,,", "email,new@x.example,,,,,,", "email,q@x.example,,,,,,left"),
        asks=True,
    )
    delivery = Delivery.objects.get()
    assert (delivery.subscriber.shown, delivery.purpose) == ("new@x.example", "confirm")
    assert delivery.subscriber.state == State.UNCONFIRMED
    assert delivery.subscriber.next_at is not None


# The page


def upload(client, text, **more):
    file = SimpleUploadedFile("people.csv", text.encode() if isinstance(text, str) else text)
    return client.post(f"{HOME}imports", {"file": file, **more})


def many(number):
    return "channel,address\n" + "".join(f"email,r{n}@x.example\n" for n in range(number))


def test_an_import_goes_on_where_it_was_broken_off(admin):
    answer = upload(admin, many(1_200))
    made = Import.objects.get()
    assert answer.headers["location"] == f"{HOME}imports/{made.pk}"
    assert (made.total, Subscriber.objects.count()) == (1_200, 0)
    assert "r1@" not in "".join(ImportPart.objects.values_list("lines", flat=True))  # it is sealed
    importing.import_next_part(made, timezone.now())
    assert (made.done, made.percent, Subscriber.objects.count()) == (500, 41, 500)
    assert "Continue" in admin.get(f"{HOME}imports/{made.pk}").content.decode()
    part = admin.post(f"{HOME}imports/{made.pk}/go-on", headers={"HX-Request": "true"}).content.decode()
    assert "1,200 added" in part
    assert "<html" not in part
    assert "Continue" not in part
    made.refresh_from_db()
    assert made.finished_at is not None
    assert not ImportPart.objects.exists()
    assert not importing.import_next_part(made, timezone.now())
    assert Audit.objects.get(act="subscriber.import").after["lines"] == 1_200


def test_a_stopped_import_forgets_the_rest(admin):
    upload(admin, many(1_200))
    made = Import.objects.get()
    importing.import_next_part(made, timezone.now())
    admin.post(f"{HOME}imports/{made.pk}/stop")
    made.refresh_from_db()
    assert made.finished_at is not None
    assert (Subscriber.objects.count(), ImportPart.objects.count()) == (500, 0)


def test_the_page_tells_what_was_refused_of_a_file(admin):
    upload(admin, "channel,address\nemail,a@x.example\npigeon,b\n")
    made = Import.objects.get()
    admin.post(f"{HOME}imports/{made.pk}/go-on")
    text = admin.get(f"{HOME}imports/{made.pk}").content.decode()
    assert "line 3:" in text
    assert "“pigeon” is not a channel" in text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,age\nx,1\n", "no column has addresses"),
        ("\n\n", "The file is empty"),
        ("sep=;\n", "The file is empty"),
        (b"email\n\xff\xfe\n", "The file is not UTF-8"),
        ("", "empty"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(admin, text, sentence):
    answer = upload(admin, text)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Import.objects.exists()


# The commands


def test_the_command_tells_how_far_it_is_and_every_fault(db, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(many(1_100) + "pigeon,x\n")
    out, err = io.StringIO(), io.StringIO()
    call_command("import_subscribers", str(file), every=500, stdout=out, stderr=err)
    assert "500 lines: 500 added" in out.getvalue()
    assert "1,101 lines: 1,100 added, 0 already subscribed, 1 rejected." in out.getvalue()
    assert err.getvalue().startswith("line 1102: “pigeon” is not a channel")
    out = io.StringIO()
    call_command("import_subscribers", str(file), stdout=out, stderr=io.StringIO())
    assert "0 added, 1,100 already subscribed" in out.getvalue()


def test_the_command_says_what_is_wrong_with_a_file(db, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_subscribers", str(tmp_path / "none.csv"))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="no column has addresses"):
        call_command("import_subscribers", str(tmp_path / "x.csv"))


def test_what_goes_out_comes_in_again(db, tmp_path):
    ours = group("Core")
    chat = component("Chat", group=ours)
    mail("=cmd@x.example", components=[chat], groups=[ours], least_impact=2, is_digest=True)
    webhook("http://127.0.0.1:9/hook?a=1,2", wants_postmortem=False)
    somebody("web_push", json.dumps(subscription()))
    follower = mail("follows@x.example", is_all=False)
    before = facts()
    file = tmp_path / "out.csv"
    call_command("export_subscribers", str(file), stdout=io.StringIO())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = list(csv.reader(file.read_text().splitlines()))
    assert rows[1][1] == "'=cmd@x.example"
    Subscriber.objects.all().delete()
    call_command("import_subscribers", str(file), stdout=io.StringIO(), stderr=io.StringIO())
    left_out = {follower.shown, *(name for name, row in before.items() if row[0] == "web_push")}
    assert facts() == {name: row for name, row in before.items() if name not in left_out}
    assert [list(one.components.all()) for one in Subscriber.objects.filter(channel="email")] == [[chat]]


def test_an_export_is_a_stream_and_is_written_down(admin):
    mail("a@x.example")
    assert admin.get(f"{HOME}export.csv").status_code == 405
    answer = admin.post(f"{HOME}export.csv")
    assert answer.streaming
    assert b"email,a@x.example" in b"".join(answer.streaming_content)
    assert Audit.objects.filter(act="subscriber.export").exists()


def test_an_export_asks_as_often_for_a_line_more(db):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            list(exporting.rows())
        return len(caught)

    mail("a@x.example", components=[component("A")])
    before = queries()
    for n in range(20):
        mail(f"{n}@x.example", components=[component(f"C{n}")])
    assert queries() == before


def test_a_large_file_is_read_within_a_bounded_memory():
    number = 100_000
    text = (f"email,r{n}@x.example\n" for n in range(-1, number))
    tracemalloc.start()
    count = sum(
        1 for _ in csv_format.lines(line if n else "channel,address\n" for n, line in enumerate(text))
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == number
    assert peak < 1_000_000


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "＝1", "plain", "'quoted"])
def test_no_cell_is_a_formula_and_each_comes_back(cell):
    assert not texts.cell(cell).startswith(texts.FORMULA)
    assert csv_format.plain(texts.cell(cell)) == cell


# Files as spreadsheets write them

WRITTEN = {
    "commas": "channel,address,components\nemail,a@example.org,API\n",
    "semicolons": "channel;address;components\nemail;a@example.org;API\n",
    "semicolons inside": 'channel;address;components\nemail;a@example.org;"API; Chat"\n',
    "tabs": "channel\taddress\tcomponents\nemail\ta@example.org\tAPI\n",
    "strokes": "channel|address|components\nemail|a@example.org|API\n",
    "sep=;": "sep=;\r\nchannel;address;components\r\nemail;a@example.org;API\r\n",
    'quoted "sep=,"': '"sep=,"\nchannel,address,components\nemail,a@example.org,API\n',
    "SEP=\t": "SEP=\t\nchannel\taddress\tcomponents\nemail\ta@example.org\tAPI\n",
    "one column": "email\na@example.org\n",
    "quoted head": '"channel";"address";"components"\n"email";"a@example.org";"API"\n',
    "others' commas": "Email,Confirmed at,Components\na@example.org,2026-01-01,API\n",
}


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be with its mark"])
@pytest.mark.parametrize("what", WRITTEN)
def test_a_file_is_read_however_a_spreadsheet_writes_it(db, what, coding):
    component("API")
    component("Chat")
    text = WRITTEN[what]
    raw = ("\ufeff" + text).encode("utf-16-be") if "be" in coding else text.encode(coding)
    tally = importing.take_in(
        list(csv_format.lines(csv_format.opened(io.BytesIO(raw)))), importing.Places.now(), timezone.now()
    )
    assert tally.refused == []
    assert Subscriber.objects.get().open_address == "a@example.org"


def test_a_file_without_addresses_says_how_it_was_read(db):
    for head, word in (
        ("a;b;channel", "semicolons"),
        ("a\tb\tstate", "tabs"),
        ("x,channel", "commas"),
        ("sep=!\na!b", "“!”"),
    ):
        with pytest.raises(csv_format.CSVError, match=f"read with {word} between its cells"):
            list(csv_format.lines(io.StringIO(f"{head}\n1\n")))


def test_lines_are_counted_as_the_file_has_them(db):
    text = "sep=;\nchannel;address\nemail;a@example.org\nemail;nonsense\n"
    tally = importing.take_in(
        list(csv_format.lines(io.StringIO(text))), importing.Places.now(), timezone.now()
    )
    assert [number for number, _ in tally.refused] == [4]


NAMES = (
    "API | EU",
    "API",
    "EU",
    "Chat; mobile",
    "Search, full text",
    "A\nB",
    "'quoted'",
    'say "hi"',
    "=1+1",
    "Größe",
)


def test_our_own_file_is_taken_in_as_it_was(db):
    """Whatever a name holds, it comes back as the same component."""
    every = [component(name) for name in NAMES]
    for number, one in enumerate(every):
        mail(f"reader{number}@example.org", is_all=False).components.add(one)
    mail("both@example.org", is_all=False).components.add(every[1], every[2])
    before = {one.open_address: set(one.components.all()) for one in Subscriber.objects.all()}
    out = io.StringIO()
    csv.writer(out).writerows(exporting.rows())
    Subscriber.objects.all().delete()
    tally = take(io.StringIO(out.getvalue()))
    assert tally.refused == []
    assert {one.open_address: set(one.components.all()) for one in Subscriber.objects.all()} == before


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("API | EU", ["API | EU"]), ("api|eu", ["API | EU"]), ("Chat; mobile", ["Chat; mobile"]),
        ("Search, full text; API | EU", ["Search, full text", "API | EU"]), ("API", ["API"]),
        ("Chat; mobile, Search, full text", ["Chat; mobile", "Search, full text"]), ("EU;API", ["EU", "API"]),
    ],
)  # fmt: skip
def test_a_name_typed_by_a_person_is_found_whatever_it_holds(db, cell, meant):
    for name in NAMES:
        component(name)
    tally = take(sheet(f'email,a@example.org,"{cell}",,,,,'))
    assert tally.refused == []
    assert sorted(one.name for one in Subscriber.objects.get().components.all()) == sorted(meant)
