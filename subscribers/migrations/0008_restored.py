from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0007_channels_without_choices")]

    operations = [
        migrations.AddField(model_name="sorter", name="restored_at", field=models.DateTimeField(null=True)),
    ]
