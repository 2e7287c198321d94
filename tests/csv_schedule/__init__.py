"""`mailer send --csv` killed again and again, and resumed: each row is sent once, counted where the mails arrive."""
