"""A service that sends the mail of other programs, by the provider that its environment names. README.md runs it."""
