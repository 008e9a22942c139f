"""The tables of `DjangoStore` and of the inbox."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Both tables."""

    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("owner", models.CharField(max_length=80)),
                ("expires", models.FloatField(db_index=True)),
            ],
            options={"db_table": "revrag_webhook_mark"},
        ),
        migrations.CreateModel(
            name="InboxEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(default="", max_length=100)),
                ("event", models.TextField()),
                ("order_key", models.CharField(default="", max_length=64)),
                ("received", models.FloatField()),
                ("due", models.FloatField()),
                ("attempts", models.IntegerField(default=0)),
                ("owner", models.CharField(default="", max_length=80)),
                ("error", models.TextField(default="")),
                ("is_parked", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "revrag_webhook_inbox",
                "indexes": [
                    models.Index(fields=["name", "is_parked", "due"], name="revrag_inbox_due"),
                    models.Index(fields=["name", "order_key", "id"], name="revrag_inbox_order"),
                ],
            },
        ),
    ]
