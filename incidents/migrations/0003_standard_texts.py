"""The texts a new installation begins with, as they were when this was written: 0014 has newer ones."""

from django.db import migrations

NOT_WORKING = (
    "{components|What} isn't working for {whom}. {What works} is working normally. "
    "We're investigating and will post another update by {next}."
)
# each: kind, name, phase, title, text
TEMPLATES = (
    (
        "incident", "Investigating", "investigating", "{components} is not working",
        NOT_WORKING,
    ),
    (
        "incident", "Slow", "investigating", "{components} is slow",
        ("{components|What} is slow for {whom}. {What works} is working normally. "
        "We're investigating and will post another update by {next}."),
    ),
    (
        "update", "Investigating", "investigating", "",
        NOT_WORKING,
    ),
    (
        "update", "Still investigating", "investigating", "",
        "{components|What} still isn't working. We have ruled out {cause}. Next update by {next}.",
    ),
    (
        "update", "Identified", "identified", "",
        ("{Cause in one sentence}. We're {action}. We don't know yet how long this will take. "
        "Next update by {next}."),
    ),
    (
        "update", "Partly restored", "identified", "",
        ("{What works} is working again for {whom}. {components|What} still isn't. "
        "Next update by {next}."),
    ),
    (
        "update", "Monitoring", "monitoring", "",
        ("{components|What} recovered at {now}. We'll keep monitoring until {next} "
        "before resolving this incident."),
    ),
    (
        "update", "Resolved", "resolved", "",
        ("{components|What} was unavailable from {started} to {now} ({duration}). {Cause}. "
        "{Loss|No data was lost}. A postmortem will follow by {date}."),
    ),
    (
        "maintenance", "Maintenance", "", "{components}: planned maintenance",
        "On {date} from {start} to {end} we will {work}. {Effect}. You don't need to do anything.",
    ),
)  # fmt: skip


def write(apps, schema_editor):
    template = apps.get_model("incidents", "Template")
    if template.objects.exists():
        return
    for position, (kind, name, phase, title, body) in enumerate(TEMPLATES, start=1):
        template.objects.create(kind=kind, name=name, phase=phase, title=title, body=body, position=position)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_console")]
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
