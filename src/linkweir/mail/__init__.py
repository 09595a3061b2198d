"""Mail out: what a customer asked to send, what to do with it, the MIME it becomes, and its delivery."""
