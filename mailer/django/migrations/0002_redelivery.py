"""Add what the outbox keeps of mail that is sent again after a soft bounce."""

from typing import Any

from django.db import migrations, models

# `mailer.stores.sql.migrate.HEAD` of these tables, for programs that reach them by a URL.
VERSION = "0007"


def write_version(apps: Any, schema_editor: Any) -> None:
    """Say which version the tables have."""
    apps.get_model("mailstack", "SchemaVersion").objects.using(schema_editor.connection.alias).all().delete()
    apps.get_model("mailstack", "SchemaVersion").objects.using(schema_editor.connection.alias).create(
        version_num=VERSION
    )


class Migration(migrations.Migration):
    dependencies = [("mailstack", "0001_first")]

    operations = [
        migrations.AddField("OutboxMail", "redeliver_until", models.DateTimeField(null=True)),
        migrations.AddField("OutboxMail", "lost_at", models.DateTimeField(null=True)),
        migrations.AddField("OutboxMail", "losses", models.IntegerField(null=True)),
        migrations.AddIndex("OutboxMail", models.Index(fields=["attempt_id"], name="mailstack_outbox_attempt_id")),
        migrations.RunPython(write_version, migrations.RunPython.noop),
    ]
