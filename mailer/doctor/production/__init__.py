"""Internal: `mailer production-access`, what AWS asks for and the draft of the request. It submits nothing."""
