"""All SQL and nothing but SQL: tables, migrations, and one file of statements per noun."""
