"""Standard texts that hold for one component and for several; what staff have changed stays theirs."""

from django.db import migrations

WORKS = " {What works} is working normally. "
WORK = " Working normally: {what works}. "
LOOKING = "We're investigating and will post another update by {next}."
RULED_OUT = " We have ruled out {cause}. Next update by {next}."
TIMES = (
    " unavailable from {started} to {now} ({duration}). {Cause}. "
    "{Loss|No data was lost}. A postmortem will follow by {date}."
)
OLD, NEW = "{components|What} isn't working for {whom}.", "{components|What} {is} not working for {whom}."
OLD_SLOW, NEW_SLOW = "{components|What} is slow for {whom}.", "{components|What} {is} slow for {whom}."
OLD_PARTLY = "{What works} is working again for {whom}. {components|What} still isn't. Next update by {next}."
NEW_PARTLY = (
    "{What works} recovered for {whom}. {components|What} {is} still not working. Next update by {next}."
)
# kind; title and text as 0003 wrote them; title and text now
CHANGED = (
    ("incident", "{components} is not working", OLD + WORKS + LOOKING,
     "{components} {is} not working", NEW + WORK + LOOKING),
    ("incident", "{components} is slow", OLD_SLOW + WORKS + LOOKING,
     "{components} {is} slow", NEW_SLOW + WORK + LOOKING),
    ("update", "", OLD + WORKS + LOOKING, "", NEW + WORK + LOOKING),
    ("update", "", "{components|What} still isn't working." + RULED_OUT,
     "", "{components|What} {is} still not working." + RULED_OUT),
    ("update", "", OLD_PARTLY, "", NEW_PARTLY),
    ("update", "", "{components|What} was" + TIMES, "", "{components|What} {was}" + TIMES),
)  # fmt: skip


def rewrite(apps, schema_editor):
    template = apps.get_model("incidents", "Template")
    for kind, old_title, old_body, title, body in CHANGED:
        template.objects.filter(kind=kind, title=old_title, body=old_body).update(title=title, body=body)


def put_back(apps, schema_editor):
    template = apps.get_model("incidents", "Template")
    for kind, old_title, old_body, title, body in CHANGED:
        template.objects.filter(kind=kind, title=title, body=body).update(title=old_title, body=old_body)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0013_series_zone")]
    operations = [migrations.RunPython(rewrite, put_back)]
