"""The HTTP API: v1, v2 and the OpenAPI document."""
