"""Create the table of counters by day."""

from typing import Any

from django.db import migrations, models

# `mailer.stores.sql.migrate.HEAD` of these tables, for programs that reach them by a URL.
VERSION = "0008"


def write_version(apps: Any, schema_editor: Any) -> None:
    """Say which version the tables have."""
    apps.get_model("mailstack", "SchemaVersion").objects.using(schema_editor.connection.alias).all().delete()
    apps.get_model("mailstack", "SchemaVersion").objects.using(schema_editor.connection.alias).create(
        version_num=VERSION
    )


class Migration(migrations.Migration):
    dependencies = [("mailstack", "0002_redelivery")]

    operations = [
        migrations.CreateModel(
            "CountedDay",
            [
                ("day", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("counts", models.TextField()),
                ("expires_at", models.DateTimeField()),
            ],
            {
                "db_table": "mailstack_counters",
                "indexes": [models.Index(fields=["expires_at"], name="mailstack_counters_expires_at")],
            },
        ),
        migrations.RunPython(write_version, migrations.RunPython.noop),
    ]
