"""One file for each revision of the schema; from the first release on a revision is never changed."""
