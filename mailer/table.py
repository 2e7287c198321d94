"""The schema of a stack's DynamoDB table: the stack creates it, the stores write it, and policies name its keys.

Standard library only. The other attributes are in `mailer.stores.dynamodb`.
"""

PARTITION_KEY, SORT_KEY = "pk", "sk"
# The time to live of an item, in seconds since 1970.
EXPIRES_AT = "expires_at"

# The prefixes of partition keys.
SUPPRESSIONS = "SUPPRESSION#"
EVENTS = "EVENT#"
IDEMPOTENCY = "IDEMPOTENCY#"
RATE = "RATE#"
VERIFICATION = "VERIFICATION#"
# Who paused and resumed a stream.
STREAMS = "STREAM#"
# The counts of days that are over.
COUNTERS = "COUNTERS#"

# The message log: entries by message, and what finds messages by recipient and by tag.
MESSAGES = "MESSAGE#"
RECIPIENTS = "RECIPIENT#"
TAGS = "TAG#"
