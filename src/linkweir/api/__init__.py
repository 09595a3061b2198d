"""HTTP API: v1, v2 and their OpenAPI document."""
