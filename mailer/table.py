"""What partition keys in a stack's DynamoDB table begin with: the stores write them, the stack's policies name them.

Standard library only. What stands behind them is in `mailer.stores.dynamodb`.
"""

SUPPRESSIONS = "SUPPRESSION#"
EVENTS = "EVENT#"
