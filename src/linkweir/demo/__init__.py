"""`linkweir serve --demo`: a sample newsletter sent through the service, and sample traffic for its dashboard."""
