"""The whole loop on one machine: provision, send, bounce, suppress, refuse, page.

It uses `mailer` as an application does. In no wheel.
"""
