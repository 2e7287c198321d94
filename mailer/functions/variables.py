"""Names of the environment variables of the Lambdas: the stack sets them, the handlers in `lambdas/` read them.

Standard library only.
"""

STACK = "MAILSTACK_STACK"
TABLE = "MAILSTACK_TABLE"
# How many days the message log is kept; 0 keeps none.
MESSAGE_LOG_DAYS = "MAILSTACK_MESSAGE_LOG_DAYS"
PAGING_TOPIC_ARN = "MAILSTACK_PAGING_TOPIC_ARN"
# The streams that the guard may pause, as `mailer.functions.guard.pausing_alarms` reads them.
GUARDED = "MAILSTACK_GUARDED"
# The mail of the account monitor: the From header, the configuration set, and a JSON list of recipients.
SENDER = "MAILSTACK_SENDER"
CONFIGURATION_SET = "MAILSTACK_CONFIGURATION_SET"
PEOPLE = "MAILSTACK_PEOPLE"
