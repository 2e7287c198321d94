"""`make live`: deploys a stack of its own into an AWS account, and settles what the documentation says is not verified.

Not for your own stacks: `mailer doctor` looks at those.
"""
