from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0007_channels_without_choices")]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="wants_report",
            field=models.BooleanField(default=False, db_default=False, verbose_name="monthly report"),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="report_asked_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
