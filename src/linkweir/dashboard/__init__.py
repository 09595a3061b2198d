"""The dashboard: pages for people, rendered here, read through the database; decides nothing about clicks or mail."""
