"""SMTP: submission for those who send, and a content filter for a mail server."""
