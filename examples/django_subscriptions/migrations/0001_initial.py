"""The first tables, as `manage.py makemigrations` wrote them."""

# pyright: reportUnknownArgumentType=false

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentEvent",
            fields=[
                ("id", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=100)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                ("symbol", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[("BUY", "Buy"), ("HOLD", "Hold"), ("SELL", "Sell")], default="HOLD", max_length=4
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="Why; it is in the mail to those who watch it.", max_length=200
                    ),
                ),
                ("watchers", models.ManyToManyField(blank=True, related_name="watched", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["symbol"],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer", models.CharField(db_index=True, max_length=255)),
                ("reference", models.CharField(max_length=255)),
                ("plan", models.CharField(max_length=60)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Active"), ("failing", "Payment failed"), ("ended", "Ended")],
                        default="active",
                        max_length=20,
                    ),
                ),
                (
                    "renews",
                    models.BooleanField(default=True, help_text="Whether the provider will ask for another payment."),
                ),
                ("period_ends_at", models.DateTimeField(null=True)),
                (
                    "changed_at",
                    models.DateTimeField(help_text="When the provider's newest event that was applied happened."),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscription",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
