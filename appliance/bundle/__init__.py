"""The package with all that it stands on, in one file that installs itself without a network."""
