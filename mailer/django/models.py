"""The tables of the stores as models, for migrations and the admin.

The columns are those of `mailer.stores.sql.tables`, which a test compares; tables with a key of several columns have an
`id` as well, which Django's admin needs. Write through the stores: they encrypt, and know which of two reports holds.
"""

from typing import ClassVar

from django.db import models

# As in `mailer.stores.sql.tables`, which needs SQLAlchemy; a project whose store is elsewhere may lack it.
PREFIX = "mailstack_"
HASH, ID, SCOPE, WORD = 64, 255, 255, 32


class Suppression(models.Model):
    """One row for each address and scope: the suppression, the last removal, or both."""

    lookup = models.CharField(max_length=HASH)
    scope = models.CharField(max_length=SCOPE)
    key_id = models.CharField(max_length=WORD)
    address = models.TextField(null=True)  # noqa: DJ001 - null after an erasure
    reason = models.CharField(max_length=WORD, null=True)  # noqa: DJ001 - null: not suppressed
    detail = models.TextField()
    created_at = models.DateTimeField(null=True)
    message_id = models.TextField()
    feedback_id = models.TextField()
    actor = models.TextField()
    expires_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}suppressions"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("lookup", "scope"), name=f"uq_{PREFIX}suppressions"),
        ]

    def __str__(self) -> str:
        return f"Suppression {self.pk}"


class SuppressionChange(models.Model):
    """What was done to suppressions: when, by whom, why."""

    lookup = models.CharField(max_length=HASH)
    scope = models.CharField(max_length=SCOPE)
    key_id = models.CharField(max_length=WORD)
    address = models.TextField()
    at = models.DateTimeField()
    action = models.CharField(max_length=WORD)
    reason = models.CharField(max_length=WORD)
    detail = models.TextField()
    actor = models.TextField()
    message_id = models.TextField()
    feedback_id = models.TextField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}suppression_history"
        indexes: ClassVar = [
            models.Index(fields=("lookup",), name="mailstack_history_lookup"),
            models.Index(fields=("at",), name="mailstack_history_at"),
        ]

    def __str__(self) -> str:
        return f"Change {self.pk}"


class ProcessedEvent(models.Model):
    """A processed event."""

    key = models.CharField(max_length=ID, primary_key=True)
    key_id = models.CharField(max_length=WORD)
    kind = models.CharField(max_length=WORD)
    outcome = models.CharField(max_length=WORD)
    detail = models.TextField()
    recipient = models.TextField()
    message_id = models.TextField()
    simulator = models.BooleanField()
    occurred_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    counts_as = models.CharField(max_length=WORD)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}events"
        indexes: ClassVar = [models.Index(fields=("expires_at",), name="mailstack_events_expires_at")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class IdempotencyKey(models.Model):
    """An idempotency key."""

    key = models.CharField(max_length=HASH, primary_key=True)
    fingerprint = models.CharField(max_length=HASH)
    # `id` is the id of the message; the primary key is `key`.
    id = models.CharField(max_length=ID)
    busy_until = models.DateTimeField()
    expires_at = models.DateTimeField()
    results = models.TextField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}idempotency"
        indexes: ClassVar = [models.Index(fields=("expires_at",), name="mailstack_keys_expires_at")]

    def __str__(self) -> str:
        return f"Key {self.key}"


class EncryptionKey(models.Model):
    """The id of a key that rows are encrypted with."""

    key_id = models.CharField(max_length=WORD, primary_key=True)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}keys"

    def __str__(self) -> str:
        return self.key_id


class LogEntry(models.Model):
    """One event of one message for one recipient."""

    # Of the table, which has a column `id` for the id of the message.
    row = models.BigAutoField(primary_key=True)
    ref = models.CharField(max_length=ID)
    key = models.CharField(max_length=ID)
    key_id = models.CharField(max_length=WORD)
    lookup = models.CharField(max_length=HASH)
    recipient = models.TextField()
    kind = models.CharField(max_length=WORD)
    at = models.DateTimeField()
    sent_at = models.DateTimeField()
    id = models.CharField(max_length=ID)
    message_id = models.CharField(max_length=ID)
    configuration_set = models.TextField()
    template = models.TextField()
    tags = models.TextField()
    category = models.TextField()
    code = models.TextField()
    words = models.TextField()
    is_indexed = models.BooleanField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}messages"
        constraints: ClassVar = [models.UniqueConstraint(fields=("ref", "key"), name=f"uq_{PREFIX}messages")]
        indexes: ClassVar = [
            models.Index(fields=("lookup", "sent_at"), name="mailstack_messages_lookup"),
            models.Index(fields=("message_id",), name="mailstack_messages_message_id"),
            models.Index(fields=("sent_at",), name="mailstack_messages_sent_at"),
        ]
        verbose_name = "log entry"
        verbose_name_plural = "message log"

    def __str__(self) -> str:
        return f"{self.kind} of {self.ref}"


class MessageTag(models.Model):
    """What a message is found by, besides its recipients."""

    ref = models.CharField(max_length=ID)
    name = models.CharField(max_length=ID)
    value = models.CharField(max_length=ID)
    sent_at = models.DateTimeField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}message_tags"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("ref", "name", "value"), name=f"uq_{PREFIX}message_tags"),
        ]
        indexes: ClassVar = [
            models.Index(fields=("name", "value", "sent_at"), name="mailstack_tags_value"),
            models.Index(fields=("sent_at",), name="mailstack_tags_sent_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class SendingRate(models.Model):
    """The sending rate that workers share: one row for the time line, one for the account's standing."""

    name = models.CharField(max_length=WORD, primary_key=True)
    free_at = models.FloatField(null=True)
    claimed_at = models.DateTimeField(null=True)
    max_rate = models.FloatField(null=True)
    max_day = models.FloatField(null=True)
    sent_day = models.FloatField(null=True)
    at = models.DateTimeField(null=True)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}rate"

    def __str__(self) -> str:
        return self.name


class SoftBounces(models.Model):
    """What is known of a mailbox that bounces for now."""

    lookup = models.CharField(max_length=HASH, primary_key=True)
    delivered_at = models.DateTimeField(null=True)
    bounces = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}soft_bounces"
        indexes: ClassVar = [models.Index(fields=("expires_at",), name="mailstack_soft_expires_at")]
        verbose_name_plural = "soft bounces"

    def __str__(self) -> str:
        return f"Mailbox {self.pk}"


class CountedDay(models.Model):
    """The counts of a day that is over."""

    day = models.CharField(max_length=WORD, primary_key=True)
    counts = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}counters"
        indexes: ClassVar = [models.Index(fields=("expires_at",), name="mailstack_counters_expires_at")]

    def __str__(self) -> str:
        return self.day


class OutboxMail(models.Model):
    """A mail in the outbox."""

    id = models.CharField(max_length=WORD, primary_key=True)
    status = models.CharField(max_length=WORD)
    rank = models.SmallIntegerField()
    due_at = models.DateTimeField()
    send_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    attempts = models.IntegerField()
    attempt_id = models.CharField(max_length=WORD)
    claimed_by = models.CharField(max_length=ID)
    claimed_until = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=ID)
    stream = models.CharField(max_length=SCOPE)
    reason = models.TextField()
    key = models.CharField(max_length=HASH, null=True)  # noqa: DJ001 - null: no idempotency key
    fingerprint = models.CharField(max_length=HASH)
    key_id = models.CharField(max_length=WORD)
    lookups = models.TextField()
    recipients = models.TextField()
    payload = models.TextField()
    redeliver_until = models.DateTimeField(null=True)
    lost_at = models.DateTimeField(null=True)
    losses = models.IntegerField(null=True)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}outbox"
        constraints: ClassVar = [models.UniqueConstraint(fields=("key",), name=f"ix_{PREFIX}outbox_key")]
        indexes: ClassVar = [
            models.Index(fields=("status", "rank", "due_at", "id"), name="mailstack_outbox_due"),
            models.Index(fields=("status", "changed_at"), name="mailstack_outbox_changed_at"),
            models.Index(fields=("attempt_id",), name="mailstack_outbox_attempt_id"),
        ]
        verbose_name = "outbox mail"
        verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return f"Mail {self.pk}"


class VerificationToken(models.Model):
    """A verification code or link."""

    id = models.CharField(max_length=HASH, primary_key=True)
    serial = models.CharField(max_length=HASH)
    kind = models.CharField(max_length=WORD)
    purpose = models.CharField(max_length=HASH)
    key_id = models.CharField(max_length=WORD)
    lookup = models.CharField(max_length=HASH)
    address = models.TextField()
    account = models.TextField()
    digest = models.CharField(max_length=HASH)
    digest_key = models.CharField(max_length=WORD)
    browser = models.CharField(max_length=HASH)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    attempts = models.IntegerField()
    used_at = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=WORD)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}tokens"
        indexes: ClassVar = [
            models.Index(fields=("lookup",), name="mailstack_tokens_lookup"),
            models.Index(fields=("expires_at",), name="mailstack_tokens_expires_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.serial}"


class TokenEvent(models.Model):
    """What was done with verification tokens: issued, used, refused."""

    at = models.DateTimeField()
    action = models.CharField(max_length=WORD)
    kind = models.CharField(max_length=WORD)
    purpose = models.CharField(max_length=HASH)
    key_id = models.CharField(max_length=WORD)
    lookup = models.CharField(max_length=HASH)
    address = models.TextField()
    account = models.TextField()
    serial = models.CharField(max_length=HASH)
    detail = models.TextField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}token_events"
        indexes: ClassVar = [
            models.Index(fields=("lookup", "at"), name="mailstack_tkevents_lookup"),
            models.Index(fields=("at",), name="mailstack_tkevents_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.serial}"


class TokenLimit(models.Model):
    """How often tokens were asked for and tried."""

    key = models.CharField(max_length=HASH, primary_key=True)
    taken = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        """The table."""

        db_table = f"{PREFIX}token_limits"
        indexes: ClassVar = [models.Index(fields=("expires_at",), name="mailstack_tklimits_expires_at")]

    def __str__(self) -> str:
        return f"Limit {self.pk}"


class SchemaVersion(models.Model):
    """The version of the tables, by which other programs know them; `mailer.stores.sql.migrate` reads it."""

    version_num = models.CharField(max_length=WORD, primary_key=True)

    class Meta:
        """The table."""

        db_table = f"{PREFIX}schema_version"

    def __str__(self) -> str:
        return self.version_num
