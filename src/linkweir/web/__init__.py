"""The doors: they translate the outside world and decide nothing."""
