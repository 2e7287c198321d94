"""Internal: every check, in the order in which mail needs them."""

from mailer.doctor.checks import access, account, feedback, identity, paging, receiving, sender, smtp, streams

CHECKS = (
    *access.CHECKS,
    *account.CHECKS,
    *identity.CHECKS,
    *receiving.CHECKS,
    *streams.CHECKS,
    *sender.CHECKS,
    *smtp.CHECKS,
    *feedback.CHECKS,
    *paging.CHECKS,
)
