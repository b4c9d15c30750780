"""Zoe's settings: one typed model, and where each value came from."""

from appliance.settings.loading import Configuration, load
from appliance.settings.model import Component, DatabaseEngine, Settings

__all__ = ["Component", "Configuration", "DatabaseEngine", "Settings", "load"]
