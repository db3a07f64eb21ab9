import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import components.models.public_id
import incidents.models.act


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0016_needs"),
        ("incidents", "0016_continued_in"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Brake",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_on", models.BooleanField(default=True)),
                ("engaged_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=250)),
                ("released_at", models.DateTimeField(null=True)),
                ("released_by", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_on", True)), fields=("is_on",), name="one_brake_at_a_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Hook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    components.models.public_id.PublicIdField(
                        default=components.models.public_id.new_public_id,
                        editable=False,
                        max_length=12,
                        unique=True,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="As it is called on the timeline: “Restart chat”.", max_length=80
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("restart", "Restart"),
                            ("drain", "Drain"),
                            ("scale", "Scale"),
                            ("switch", "Switch over"),
                            ("other", "Other"),
                        ],
                        default="restart",
                        max_length=10,
                        verbose_name="what it does",
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        help_text="A POST goes there, signed by Standard Webhooks. Redirects are not followed.",
                        max_length=500,
                        verbose_name="address",
                    ),
                ),
                ("target", models.CharField(db_index=True, editable=False, max_length=500)),
                ("sealed_secret", models.TextField(editable=False)),
                ("failures", models.JSONField(blank=True, default=list)),
                ("causes", models.JSONField(blank=True, default=list)),
                (
                    "budget",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="Within the window below. Counted per host and path, over all hooks on it.",
                        validators=[
                            django.core.validators.MinValueValidator(1, "Use at least 1."),
                            django.core.validators.MaxValueValidator(100, "Use at most 100."),
                        ],
                        verbose_name="automatic calls at most",
                    ),
                ),
                (
                    "window_s",
                    models.PositiveIntegerField(
                        default=3600,
                        validators=[
                            django.core.validators.MinValueValidator(60, "Use at least 60."),
                            django.core.validators.MaxValueValidator(604800, "Use at most 604,800."),
                        ],
                        verbose_name="window (s)",
                    ),
                ),
                (
                    "cooldown_s",
                    models.PositiveIntegerField(
                        default=300,
                        help_text="This hook is not called again within this time.",
                        validators=[
                            django.core.validators.MinValueValidator(0, "Use at least 0."),
                            django.core.validators.MaxValueValidator(86400, "Use at most 86,400."),
                        ],
                        verbose_name="pause after a call (s)",
                    ),
                ),
                (
                    "settle_s",
                    models.PositiveIntegerField(
                        default=120,
                        help_text="How long the component has to come back. Then its probes say whether the"
                        " call helped.",
                        validators=[
                            django.core.validators.MinValueValidator(0, "Use at least 0."),
                            django.core.validators.MaxValueValidator(3600, "Use at most 3,600."),
                        ],
                        verbose_name="settling time (s)",
                    ),
                ),
                (
                    "deadline_s",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="The whole call, from the name lookup to the response.",
                        validators=[
                            django.core.validators.MinValueValidator(1, "Use at least 1."),
                            django.core.validators.MaxValueValidator(60, "Use at most 60."),
                        ],
                        verbose_name="deadline (s)",
                    ),
                ),
                (
                    "is_dry_run",
                    models.BooleanField(
                        default=False,
                        help_text="Only writes on the timeline that it would have been called.",
                        verbose_name="dry run",
                    ),
                ),
                (
                    "needs_approval",
                    models.BooleanField(
                        default=False,
                        help_text="Proposes the call on the incident; a person approves it.",
                        verbose_name="needs approval",
                    ),
                ),
                (
                    "is_announced",
                    models.BooleanField(
                        default=False,
                        help_text="The call is a fact on the public timeline, in fixed wording. Otherwise only"
                        " staff see it.",
                        verbose_name="announced to customers",
                    ),
                ),
                ("is_armed", models.BooleanField(default=False, editable=False, verbose_name="armed")),
                ("disarmed_reason", models.CharField(blank=True, editable=False, max_length=250)),
                ("useless", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hooks",
                        to="components.component",
                    ),
                ),
            ],
            options={
                "ordering": ("component__position", "id"),
            },
        ),
        migrations.CreateModel(
            name="Act",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        default=incidents.models.act.new_key, editable=False, max_length=40, unique=True
                    ),
                ),
                ("hook_name", models.CharField(max_length=80)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("restart", "Restart"),
                            ("drain", "Drain"),
                            ("scale", "Scale"),
                            ("switch", "Switch over"),
                            ("other", "Other"),
                        ],
                        max_length=10,
                    ),
                ),
                ("target", models.CharField(db_index=True, max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Waiting for approval"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("dropped", "Dropped"),
                            ("started", "Being called"),
                            ("answered", "Answered"),
                            ("failed", "Failed"),
                            ("timed_out", "Timed out"),
                            ("interrupted", "Interrupted"),
                            ("dry", "Dry run"),
                        ],
                        default="proposed",
                        max_length=12,
                    ),
                ),
                ("is_open", models.BooleanField(default=True)),
                ("is_automatic", models.BooleanField(default=True)),
                ("is_dry", models.BooleanField(default=False)),
                ("failure", models.CharField(blank=True, max_length=24)),
                ("causes", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("approved_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(db_index=True, null=True)),
                ("ends_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("took_ms", models.PositiveIntegerField(null=True)),
                ("answer_status", models.PositiveSmallIntegerField(null=True)),
                ("answer_excerpt", models.CharField(blank=True, max_length=500)),
                ("why", models.CharField(blank=True, max_length=300)),
                ("judge_at", models.DateTimeField(null=True)),
                ("give_up_at", models.DateTimeField(null=True)),
                (
                    "helped",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("yes", "It helped"),
                            ("no", "It did not help"),
                            ("unknown", "Not known whether it helped"),
                        ],
                        max_length=8,
                    ),
                ),
                ("judged_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="acts",
                        to="components.component",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="acts",
                        to="incidents.incident",
                    ),
                ),
                (
                    "hook",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="acts",
                        to="incidents.hook",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_open", True)),
                        fields=("incident",),
                        name="one_open_act_per_incident",
                    )
                ],
            },
        ),
    ]
