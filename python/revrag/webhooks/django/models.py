"""What was handled, and what waits to be."""

from __future__ import annotations

from django.db import models


class Mark(models.Model):
    """A key of a delivery that was handled."""

    key: models.CharField[str, str] = models.CharField(max_length=80, primary_key=True)
    owner: models.CharField[str, str] = models.CharField(max_length=80)
    expires: models.FloatField[float, float] = models.FloatField(db_index=True)

    class Meta:
        """The table."""

        app_label = "revrag_webhooks"
        db_table = "revrag_webhook_mark"

    def __str__(self) -> str:
        return str(self.key)


class InboxEvent(models.Model):
    """An event that waits in an inbox, or is parked there."""

    name: models.CharField[str, str] = models.CharField(max_length=100, default="")
    event: models.TextField[str, str] = models.TextField()
    order_key: models.CharField[str, str] = models.CharField(max_length=64, default="")
    received: models.FloatField[float, float] = models.FloatField()
    due: models.FloatField[float, float] = models.FloatField()
    attempts: models.IntegerField[int, int] = models.IntegerField(default=0)
    owner: models.CharField[str, str] = models.CharField(max_length=80, default="")
    error: models.TextField[str, str] = models.TextField(default="")
    is_parked: models.BooleanField[bool, bool] = models.BooleanField(default=False)

    class Meta:
        """The table."""

        app_label = "revrag_webhooks"
        db_table = "revrag_webhook_inbox"
        indexes = (
            models.Index(fields=("name", "is_parked", "due"), name="revrag_inbox_due"),
            models.Index(fields=("name", "order_key", "id"), name="revrag_inbox_order"),
        )

    def __str__(self) -> str:
        return f"event {self.pk} of inbox {self.name!r}"
