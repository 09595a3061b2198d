"""The catalogues of texts in other languages."""
