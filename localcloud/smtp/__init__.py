"""SES's SMTP interface. What becomes of a mail is decided in `localcloud.ses`, as for every other."""
