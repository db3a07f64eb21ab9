from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0008_monthly_reports")]

    operations = [
        migrations.AddField(model_name="sorter", name="restored_at", field=models.DateTimeField(null=True)),
    ]
