from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0019_deploy_source"),
    ]

    operations = [
        migrations.AddField(
            model_name="component",
            name="is_internal",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="The self-test's: in no list at all.",
            ),
        ),
        migrations.AddConstraint(
            model_name="component",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_internal", True)),
                fields=("is_internal",),
                name="one_internal_component",
            ),
        ),
    ]
