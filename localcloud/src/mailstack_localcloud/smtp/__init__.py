"""SES's SMTP interface. `mailstack_localcloud.ses` processes its mails, like all others."""
