"""Building the image `zoe-prefect` on a host: standard library only, nothing to install first."""
