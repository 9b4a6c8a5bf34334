"""The database: SQLite or PostgreSQL, one code for both."""
