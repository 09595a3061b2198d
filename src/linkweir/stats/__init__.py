"""What the recorded clicks say: statistics, comparisons, lists, exports, and all that is known of one person.

Reads what others have written down and decides nothing about clicks.
"""
