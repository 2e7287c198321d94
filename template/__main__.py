"""Everything that sending mail well on Amazon SES takes, by the settings in Pulumi.<stack>.yaml."""

from mailstack_infra.program import deploy

mailstack = deploy()
