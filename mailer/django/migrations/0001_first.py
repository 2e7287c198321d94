"""Create the tables of the stores, with the version that they have."""

from typing import Any

from django.db import migrations, models

# `mailer.stores.sql.migrate.HEAD` of these tables, for programs that reach them by a URL.
VERSION = "0006"


def write_version(apps: Any, schema_editor: Any) -> None:
    """Say which version the tables have."""
    rows: Any = apps.get_model("mailstack", "SchemaVersion").objects.using(schema_editor.connection.alias)
    rows.create(version_num=VERSION)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="EncryptionKey",
            fields=[
                ("key_id", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ],
            options={
                "db_table": "mailstack_keys",
            },
        ),
        migrations.CreateModel(
            name="SchemaVersion",
            fields=[
                ("version_num", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ],
            options={
                "db_table": "mailstack_schema_version",
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(max_length=64)),
                ("id", models.CharField(max_length=255)),
                ("busy_until", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("results", models.TextField()),
            ],
            options={
                "db_table": "mailstack_idempotency",
                "indexes": [
                    models.Index(fields=["expires_at"], name="mailstack_keys_expires_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                ("row", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", models.CharField(max_length=255)),
                ("key", models.CharField(max_length=255)),
                ("key_id", models.CharField(max_length=32)),
                ("lookup", models.CharField(max_length=64)),
                ("recipient", models.TextField()),
                ("kind", models.CharField(max_length=32)),
                ("at", models.DateTimeField()),
                ("sent_at", models.DateTimeField()),
                ("id", models.CharField(max_length=255)),
                ("message_id", models.CharField(max_length=255)),
                ("configuration_set", models.TextField()),
                ("template", models.TextField()),
                ("tags", models.TextField()),
                ("category", models.TextField()),
                ("code", models.TextField()),
                ("words", models.TextField()),
                ("is_indexed", models.BooleanField()),
            ],
            options={
                "verbose_name": "log entry",
                "verbose_name_plural": "message log",
                "db_table": "mailstack_messages",
                "indexes": [
                    models.Index(fields=["lookup", "sent_at"], name="mailstack_messages_lookup"),
                    models.Index(fields=["message_id"], name="mailstack_messages_message_id"),
                    models.Index(fields=["sent_at"], name="mailstack_messages_sent_at"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("ref", "key"), name="uq_mailstack_messages"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ref", models.CharField(max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("value", models.CharField(max_length=255)),
                ("sent_at", models.DateTimeField()),
            ],
            options={
                "db_table": "mailstack_message_tags",
                "indexes": [
                    models.Index(fields=["name", "value", "sent_at"], name="mailstack_tags_value"),
                    models.Index(fields=["sent_at"], name="mailstack_tags_sent_at"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("ref", "name", "value"), name="uq_mailstack_message_tags")
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcessedEvent",
            fields=[
                ("key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                ("key_id", models.CharField(max_length=32)),
                ("kind", models.CharField(max_length=32)),
                ("outcome", models.CharField(max_length=32)),
                ("detail", models.TextField()),
                ("recipient", models.TextField()),
                ("message_id", models.TextField()),
                ("simulator", models.BooleanField()),
                ("occurred_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("counts_as", models.CharField(max_length=32)),
            ],
            options={
                "db_table": "mailstack_events",
                "indexes": [
                    models.Index(fields=["expires_at"], name="mailstack_events_expires_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lookup", models.CharField(max_length=64)),
                ("scope", models.CharField(max_length=255)),
                ("key_id", models.CharField(max_length=32)),
                ("address", models.TextField(null=True)),
                ("reason", models.CharField(max_length=32, null=True)),
                ("detail", models.TextField()),
                ("created_at", models.DateTimeField(null=True)),
                ("message_id", models.TextField()),
                ("feedback_id", models.TextField()),
                ("actor", models.TextField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "mailstack_suppressions",
                "constraints": [
                    models.UniqueConstraint(fields=("lookup", "scope"), name="uq_mailstack_suppressions"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SuppressionChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lookup", models.CharField(max_length=64)),
                ("scope", models.CharField(max_length=255)),
                ("key_id", models.CharField(max_length=32)),
                ("address", models.TextField()),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=32)),
                ("detail", models.TextField()),
                ("actor", models.TextField()),
                ("message_id", models.TextField()),
                ("feedback_id", models.TextField()),
            ],
            options={
                "db_table": "mailstack_suppression_history",
                "indexes": [
                    models.Index(fields=["lookup"], name="mailstack_history_lookup"),
                    models.Index(fields=["at"], name="mailstack_history_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SendingRate",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("free_at", models.FloatField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("max_rate", models.FloatField(null=True)),
                ("max_day", models.FloatField(null=True)),
                ("sent_day", models.FloatField(null=True)),
                ("at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "mailstack_rate",
            },
        ),
        migrations.CreateModel(
            name="OutboxMail",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("status", models.CharField(max_length=32)),
                ("rank", models.SmallIntegerField()),
                ("due_at", models.DateTimeField()),
                ("send_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("attempts", models.IntegerField()),
                ("attempt_id", models.CharField(max_length=32)),
                ("claimed_by", models.CharField(max_length=255)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("message_id", models.CharField(max_length=255)),
                ("stream", models.CharField(max_length=255)),
                ("reason", models.TextField()),
                ("key", models.CharField(max_length=64, null=True)),
                ("fingerprint", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=32)),
                ("lookups", models.TextField()),
                ("recipients", models.TextField()),
                ("payload", models.TextField()),
            ],
            options={
                "verbose_name": "outbox mail",
                "verbose_name_plural": "outbox",
                "db_table": "mailstack_outbox",
                "indexes": [
                    models.Index(fields=["status", "rank", "due_at", "id"], name="mailstack_outbox_due"),
                    models.Index(fields=["status", "changed_at"], name="mailstack_outbox_changed_at"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("key",), name="ix_mailstack_outbox_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=32)),
                ("kind", models.CharField(max_length=32)),
                ("purpose", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=32)),
                ("lookup", models.CharField(max_length=64)),
                ("address", models.TextField()),
                ("account", models.TextField()),
                ("serial", models.CharField(max_length=64)),
                ("detail", models.TextField()),
            ],
            options={
                "db_table": "mailstack_token_events",
                "indexes": [
                    models.Index(fields=["lookup", "at"], name="mailstack_tkevents_lookup"),
                    models.Index(fields=["at"], name="mailstack_tkevents_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenLimit",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("taken", models.TextField()),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "mailstack_token_limits",
                "indexes": [
                    models.Index(fields=["expires_at"], name="mailstack_tklimits_expires_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="VerificationToken",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("serial", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=32)),
                ("purpose", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=32)),
                ("lookup", models.CharField(max_length=64)),
                ("address", models.TextField()),
                ("account", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("digest_key", models.CharField(max_length=32)),
                ("browser", models.CharField(max_length=64)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("attempts", models.IntegerField()),
                ("used_at", models.DateTimeField(null=True)),
                ("used_by", models.CharField(max_length=32)),
            ],
            options={
                "db_table": "mailstack_tokens",
                "indexes": [
                    models.Index(fields=["lookup"], name="mailstack_tokens_lookup"),
                    models.Index(fields=["expires_at"], name="mailstack_tokens_expires_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SoftBounces",
            fields=[
                ("lookup", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("bounces", models.TextField()),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "soft bounces",
                "db_table": "mailstack_soft_bounces",
                "indexes": [models.Index(fields=["expires_at"], name="mailstack_soft_expires_at")],
            },
        ),
        migrations.RunPython(write_version, migrations.RunPython.noop),
    ]
