"""The texts a new installation begins with."""

from django.db import migrations

from incidents.default_templates import TEMPLATES


def write(apps, schema_editor):
    template = apps.get_model("incidents", "Template")
    if template.objects.exists():
        return
    for position, (kind, name, phase, title, body) in enumerate(TEMPLATES, start=1):
        template.objects.create(kind=kind, name=name, phase=phase, title=title, body=body, position=position)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_console")]
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
