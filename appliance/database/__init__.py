"""Prefect's database: SQLite, embedded Postgres, and their ready-made templates."""
