"""The dashboard: pages for people, rendered here, read through the store; decides nothing about clicks or mail."""
