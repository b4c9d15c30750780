"""The start of the Prefect server: database injection, public address, TLS."""
