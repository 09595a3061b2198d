"""HTTP for readers of mail and for operators: it translates requests and decides nothing."""
