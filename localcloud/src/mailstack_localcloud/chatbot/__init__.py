"""AWS Chatbot ("Amazon Q Developer in chat applications") for Slack channels: its API, and the messages shown.

It does not connect to Slack. It stores what a channel would show, for `GET /_localcloud/slack/{configuration}`.
"""
