"""What a customer owns: API keys, scopes, users, passwords, domains, webhook settings, preferences."""
