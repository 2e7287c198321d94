"""Internal: languages of mails. Which one a recipient gets, gettext catalogues, and how values are written in it."""
