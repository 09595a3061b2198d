"""The API described for machines: OpenAPI 3.1, made from the types that the service itself works with."""
