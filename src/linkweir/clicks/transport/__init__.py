"""The way of click events from the journals of many machines to the workers that count them."""
