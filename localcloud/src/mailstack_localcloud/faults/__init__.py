"""Fault injection: which requests fail, and how. Refusals of SES itself are in `mailstack_localcloud.ses`."""
