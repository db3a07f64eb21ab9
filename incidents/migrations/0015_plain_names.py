"""`well_since` is `recovered_since` and `is_held` is `is_auto_open` in the code. The columns keep their names, so
that the version before can go on serving the same database while this one starts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0014_texts_for_several")]
    operations = [
        migrations.AlterField(
            "incident", "well_since", models.DateTimeField(null=True, editable=False, db_column="well_since")
        ),
        migrations.RenameField("incident", "well_since", "recovered_since"),
        # The index is the same in the database: its condition names the column, which stays.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("affected", "one_open_automatic_incident_per_component"),
                migrations.AlterField(
                    "affected",
                    "is_held",
                    models.BooleanField(default=False, editable=False, db_column="is_held"),
                ),
                migrations.RenameField("affected", "is_held", "is_auto_open"),
                migrations.AddConstraint(
                    "affected",
                    models.UniqueConstraint(
                        fields=("component",),
                        condition=models.Q(is_auto_open=True),
                        name="one_open_automatic_incident_per_component",
                    ),
                ),
            ]
        ),
    ]
