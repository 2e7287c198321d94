"""The whole loop on one machine: provision, send, bounce, suppress, refuse, page.

The one room of `localcloud` that may import `mailer`, as an application would.
"""
