"""Zoe: Prefect as an appliance."""

__version__ = "0.1.0"
