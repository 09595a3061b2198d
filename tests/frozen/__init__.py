"""Records everything that a user, a mail client or a reader can see of one service, to be compared with fixtures."""
