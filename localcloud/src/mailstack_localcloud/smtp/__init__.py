"""SES's SMTP interface. What becomes of a mail is decided in `mailstack_localcloud.ses`, as for every other."""
