"""The process worker: its pool, its start, its end."""
