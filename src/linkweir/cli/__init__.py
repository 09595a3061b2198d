"""The command `linkweir`: words in, exit code out; one file per sub-command.

Exit codes: 0 all right, 1 some files failed (or a check found something), 2 a mistake in the command line,
130 interrupted, 141 nobody read the output any more.
"""
