"""What is told to the outside: facts of messages, the outbox in which requests to webhooks wait, their delivery."""
