"""The manual: Markdown pages for the service's `/docs`, for `linkweir help` and for readers of the repository."""
