"""The page's name, logo, colour, support link and zone, as its admins change them in the console."""

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client

from components import identity
from components.models import Page, Picture
from incidents.api_shapes import moment
from statuspage.models import Audit, Role
from statuspage.public import brand
from statuspage.serving import fallback_page
from statuspage.serving.snapshot import Snapshot
from tests.people import person
from tests.pictures import jpeg, png

AT = "/console/settings/look"
SET = {
    "name": "Tern",
    "colour": "#FFD400",
    "support_url": "https://help.tern.example/contact",
    "time_zone": "Europe/Berlin",
}
MARK, WIDE = png(64, 64), png(240, 60)


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(person("root", Role.ADMIN))
    return client


def sent(body=MARK, name="logo.png", content_type="image/png"):
    return SimpleUploadedFile(name, body, content_type)


def save(client, **changes):
    page = Page.objects.this()
    kept = {field: getattr(page, field) for field in SET}
    identity.forget()  # as on_commit does, which a test's transaction never reaches
    response = client.post(AT, {**kept, **changes})
    identity.forget()
    return response


def errors(response):
    return response.context["form"].errors


def test_everything_is_changed_and_written_down(admin):
    assert save(admin, **SET).status_code == 302
    here = identity.current()
    assert (here.name, here.colour, here.time_zone) == ("Tern", "#ffd400", "Europe/Berlin")
    assert here.support_url == SET["support_url"]
    row = Audit.objects.get(act="page.look")
    assert row.before == dict.fromkeys(SET, "")
    assert row.after == {**SET, "colour": "#ffd400"}
    save(admin, **SET)
    assert Audit.objects.filter(act="page.look").count() == 1


def test_an_emptied_field_is_the_environments_again(admin, settings):
    save(admin, **SET)
    save(admin, name="", support_url="", time_zone="", colour="")
    assert identity.current() == identity.defaults()


def test_every_surface_says_the_new_name_and_zone(admin, client):
    save(admin, **SET)
    for path in ("/", "/history", "/history.atom", "/history.rss", "/feed.json", "/maintenance.ics",
                 "/api/v2/status.json", "/subscribe", "/accounts/login/", "/healthz"):  # fmt: skip
        body = client.get(path, follow=True).content.decode()
        assert "Tern" in body, path
        assert "Widgetify" not in body, path
    assert client.get("/api/v2/status.json").json()["page"]["time_zone"] == "Europe/Berlin"
    assert moment(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "2026-07-01T14:00:00.000+02:00"
    assert b"https://help.tern.example/contact" in fallback_page.page()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "x" * 61, "at most 60 characters"),
        ("name", "Tern\nBcc: all", "on one line"),
        ("name", "Te\u202ern", "on one line"),
        ("name", "\u2800", "This name is invisible"),
        ("colour", "blue", "six hex digits, such as #0b5fff"),
        ("colour", "#0b5fff;}", "six hex digits"),
        ("support_url", "help@tern.example", "write mailto:help@tern.example"),
        ("support_url", "javascript:alert(1)", "https://… or mailto:…"),
        ("support_url", "http://tern.example", "https://… or mailto:…"),
        ("support_url", "https://", "https://… or mailto:…"),
        ("support_url", "https://[", "https://… or mailto:…"),
        ("support_url", "mailto:", "https://… or mailto:…"),
        ("time_zone", "Europe/Belrin", "write Europe/Berlin?"),
        ("time_zone", "../../etc/passwd", "not an IANA time zone"),
        ("time_zone", "Mars", "not an IANA time zone"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend(admin, field, value, sentence):
    response = save(admin, **{field: value})
    assert response.status_code == 400
    assert sentence in str(errors(response)[field])
    assert not Audit.objects.filter(act="page.look").exists()
    assert identity.current() == identity.defaults()


def test_a_colour_that_is_too_faint_is_shown_in_the_nearest_shade(admin):
    save(admin, colour="#ffd400")
    text = " ".join(admin.get(AT).content.decode().split())
    assert re.search(
        r"Light theme: your colour has a contrast of 1\.3, [^<]*<code>#\w{6}</code> \(4\.5\)", text
    )
    assert "Dark theme: your colour unchanged, contrast 1" in text


def test_the_colour_is_a_style_sheet_of_our_own(admin, client):
    before = client.get("/").content.decode()
    assert "/brand/" not in before
    save(admin, colour="#0b5fff")
    (url,) = re.findall(r'<link rel="stylesheet" href="(/brand/[^"]+)">', client.get("/").content.decode())
    answer = client.get(url)
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "--brand:#0b5fff" in answer.content.decode()
    assert not re.search(r"--(ok|slow|part|down|work|grey|focus|fill|tint|ink)", answer.content.decode())
    save(admin, colour="#c02020")
    assert client.get(url).status_code == 200  # pages in caches still ask for it
    assert client.get("/brand/0b5fff-0123456789abcdef0123.css").status_code == 404
    assert client.get("/brand/123456.css").status_code == 404


def test_a_square_logo_stands_beside_the_name_and_a_wide_one_in_its_place(admin, client):
    assert save(admin, logo=sent(MARK)).status_code == 302
    page = client.get("/").content.decode()
    assert re.search(
        r'<img class="brand__logo"\s+src="/brand/\w+-64x64.png" alt="" width="32" height="32"', page
    )
    assert "<b>Widgetify</b>" in page
    save(admin, logo=sent(WIDE))
    page = client.get("/").content.decode()
    assert re.search(r'src="/brand/\w+-240x60.png" alt="Widgetify" width="128" height="32"', page)
    assert "<b>Widgetify</b>" not in page


def test_a_logo_is_served_as_what_it_is(admin, client):
    save(admin, logo=sent(jpeg(60, 60), "x.html", "text/html"))
    answer = client.get(f"/brand/{identity.current().logo}")
    assert (answer["Content-Type"], answer.content) == ("image/jpeg", jpeg(60, 60))
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_dark_logo_needs_a_light_one(admin, client):
    response = save(admin, logo_dark=sent(MARK))
    assert "light theme too" in str(errors(response)["logo"])
    save(admin, logo=sent(MARK), logo_dark=sent(png(64, 64, (255, 255, 255))))
    page = client.get("/").content.decode()
    assert len(re.findall(r'data-for="(?:light|dark)"', page)) == 2


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<svg/>", "SVG is not accepted"),
        (b"MZ", "Upload a PNG, JPEG or WebP"),
        (png() + b"x" * 70_000, "64 kB"),
    ],
)
def test_a_file_that_is_no_logo_is_refused(admin, body, sentence):
    response = save(admin, logo=sent(body))
    assert response.status_code == 400
    assert sentence in str(errors(response)["logo"])
    assert not Picture.objects.exists()


def test_a_heavy_logo_is_taken_with_a_warning(admin, client):
    heavy = png() + b"x" * 20_000
    response = save(admin, logo=sent(heavy))
    assert response.status_code == 302
    said = admin.get(AT).content.decode()
    assert "Logo: 20 kB is large. It loads with every page" in said
    assert "at most 10 kB is enough" in said
    assert "is large" not in admin.get(AT).content.decode()
    shown = admin.post(AT, {"do": "look", "logo": sent(heavy)}, headers={"HX-Request": "true"})
    assert "Logo: 20 kB is large" in shown.content.decode()
    save(admin, logo=sent(WIDE))
    assert "is large" not in admin.get(AT).content.decode()


def test_a_replaced_logo_stays_for_old_mails_and_a_removed_one_is_gone(admin, client):
    save(admin, logo=sent(MARK))
    first = f"/brand/{identity.current().logo}"
    save(admin, logo=sent(WIDE))
    second = f"/brand/{identity.current().logo}"
    assert client.get(first).status_code == 200
    save(admin, remove_logo="on")
    assert identity.current().logo == ""
    assert client.get(second).status_code == 404
    assert "brand__logo" not in client.get("/").content.decode()
    assert Page.objects.this().forgotten == Page.objects.this().version


def test_a_preview_keeps_nothing_and_shows_both_themes(admin):
    answer = save(admin, name="Tern", logo=sent(MARK), colour="#0b5fff", do="look")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.count('class="look" data-theme=') == 2
    assert text.count('src="data:image/png;base64,') == 2
    assert text.count("<b>Tern</b>") == 2
    assert not Picture.objects.exists()
    assert identity.current() == identity.defaults()


def test_the_preview_of_a_wrong_field_is_of_the_rest(admin):
    answer = admin.post(AT, {"name": "Tern", "colour": "blue", "do": "look"}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.lstrip().startswith('<div id="look">')
    assert "<b>Tern</b>" in text


def test_the_form_is_taken_once_but_another_file_is_another_form(admin):
    key = {"form_key": "k" * 16}
    save(admin, logo=sent(MARK), **key)
    save(admin, logo=sent(MARK), **key)
    assert Audit.objects.filter(act="page.look").count() == 1
    save(admin, logo=sent(WIDE), **key)
    assert Audit.objects.filter(act="page.look").count() == 2


def test_others_may_neither_open_nor_send_it(db):
    client = Client()
    client.force_login(person("ed", Role.EDITOR))
    assert client.get(AT).status_code == 403
    assert client.post(AT, {"name": "Tern", "logo": sent()}).status_code == 403
    assert Client().post(AT, {"name": "Tern", "logo": sent()}).status_code == 302  # to the login
    assert identity.current().name == "Widgetify"


def test_the_copies_hold_the_look_too(admin, transactional_db, tmp_path):
    save(admin, logo=sent(MARK), colour="#0b5fff")
    snapshot = Snapshot(tmp_path)
    for path in brand.eager_paths():
        assert snapshot.fresh(path).at(0).plain
    assert [Snapshot(tmp_path).get(path) is not None for path in brand.eager_paths()] == [True, True]
    with pytest.raises(Http404):
        snapshot.fresh("/brand/nothing.png")


def test_a_session_that_ended_costs_no_words(db):
    sent_by_us = {"Sec-Fetch-Site": "same-origin"}
    answer = Client().post(AT, {"name": "Tern and Friends", "colour": "#0b5fff"}, headers=sent_by_us)
    assert answer.status_code == 403
    assert "Tern and Friends" in answer.content.decode()
    assert "#0b5fff" in answer.content.decode()
    no_file = Client().post(AT, {"name": "Tern", "logo": sent()}, headers=sent_by_us)
    assert no_file.status_code == 400  # a file is taken from staff alone


def test_what_is_sent_again_after_a_login_is_taken_without_a_file(admin):
    body = "name=Tern&colour=%230b5fff"
    assert admin.post(AT, body, content_type="application/x-www-form-urlencoded").status_code == 302
    assert Page.objects.this().name == "Tern"


def test_a_preview_without_colour_undoes_the_one_that_is_saved(admin, client):
    save(admin, colour="#0b5fff")
    text = save(admin, colour="", do="look").content.decode()
    (_, preview) = re.findall(r'href="(/brand/[^"]+\.css)"', text)
    assert "--brand:initial" in client.get(preview).content.decode()


# Two admins, or two tabs


def opened(client):
    """The digests that a form opened now carries."""
    return re.search(r'name="opened_with" value="([^"]+)"', client.get(AT).content.decode())[1]


def asked(response):
    """What the refused form says of the logos, and the value of its box."""
    page = response.content.decode()
    assert "nothing was saved" in page
    sentences = [str(text) for text in errors(response)["__all__"] if "nothing was saved" not in text]
    return sentences, re.search(r'name="save_over" value="([^"]+)"', page)[1]


@pytest.mark.parametrize(
    ("box", "there"),
    [
        ("remove_logo", {}),
        ("remove_logo", {"logo_dark": sent(png(32, 32))}),
        ("remove_logo_dark", {"logo_dark": sent(png(32, 32))}),
    ],
    ids=["logo", "both", "dark"],
)
def test_an_older_form_does_not_remove_a_newer_logo_unasked(admin, box, there):
    for file in there.values():
        file.seek(0)
    save(admin, logo=sent(), **there)
    older = opened(admin)
    field = "logo_dark" if box.endswith("dark") else "logo"
    newer = png(80, 80)
    assert save(admin, **{field: sent(newer)}).status_code == 302
    kept = getattr(Page.objects.this(), field)
    response = save(admin, opened_with=older, **{box: "on"})
    assert response.status_code == 400
    (sentence,), over = asked(response)
    assert re.match(r"Logo( for the dark theme)? is another picture now, changed by root on ", sentence)
    assert getattr(Page.objects.this(), field) == kept
    assert Picture.objects.filter(name=kept).exists()
    assert save(admin, opened_with=older, save_over=over, **{box: "on"}).status_code == 302
    assert getattr(Page.objects.this(), field) == ""


def test_removing_the_logo_also_asks_about_a_dark_one_that_was_added_since(admin):
    save(admin, logo=sent())
    older = opened(admin)
    save(admin, logo_dark=sent(png(32, 32)))
    response = save(admin, opened_with=older, remove_logo="on")
    assert response.status_code == 400
    assert asked(response)[0][0].startswith("Logo for the dark theme is another picture now")
    assert Page.objects.this().logo_dark


def test_a_logo_that_was_removed_meanwhile_is_put_back_only_if_confirmed(admin):
    save(admin, logo=sent())
    older = opened(admin)
    save(admin, remove_logo="on")
    response = save(admin, opened_with=older, logo=sent(WIDE))
    assert response.status_code == 400
    sentences, over = asked(response)
    assert sentences[0].startswith("Logo was removed, changed by root on ")
    assert save(admin, opened_with=older, save_over=over, logo=sent(WIDE)).status_code == 302


def test_the_same_change_of_a_logo_in_both_and_other_fields_are_no_conflict(admin):
    save(admin, logo=sent())
    older = opened(admin)
    save(admin, remove_logo="on")
    assert save(admin, opened_with=older, remove_logo="on").status_code == 302
    older = opened(admin)
    save(admin, logo=sent(WIDE))
    assert save(admin, opened_with=older, logo=sent(WIDE)).status_code == 302
    assert save(admin, opened_with=older, name="Tern").status_code == 302
    assert (identity.current().name, bool(Page.objects.this().logo)) == ("Tern", True)
