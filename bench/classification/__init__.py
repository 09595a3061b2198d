"""How good verdicts are on labelled traffic: `python -m bench classification --mix development --mails 4000`."""
