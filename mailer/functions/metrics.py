"""Names of the CloudWatch metrics that the Lambdas publish: the functions and the alarms on them share these.

Standard library only. `mailer.functions.account` and `mailer.functions.batch` measure them.
"""

ACCOUNT_NAMESPACE = "Mailstack/Account"
ACCOUNT_DIMENSION = "Stack"

FUNCTIONS_NAMESPACE = "Mailstack/Functions"
# The dimension that AWS/Lambda uses, with the same value: the function's name.
FUNCTIONS_DIMENSION = "FunctionName"
FAILED_RECORDS = "FailedRecords"
