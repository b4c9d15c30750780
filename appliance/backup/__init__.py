"""Backups: one archive with everything that a new machine needs, and what is done with archives."""
