from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0015_regions"),
    ]

    operations = [
        migrations.AddField(
            model_name="component",
            name="held_until",
            field=models.DateTimeField(db_index=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="component",
            name="needs",
            field=models.ManyToManyField(
                blank=True,
                help_text="Components it cannot work without: if one of them fails as well, both are one "
                "incident.",
                related_name="needed_by",
                to="components.component",
            ),
        ),
    ]
