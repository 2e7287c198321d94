"""AWS Chatbot ("Amazon Q Developer in chat applications"), as far as Slack channels go: its API, and what they show.

No Slack is met: what a channel would show is kept, for `GET /_localcloud/slack/{configuration}`.
"""
