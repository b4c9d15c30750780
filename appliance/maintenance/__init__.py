"""What is done at its hour, whoever watches: backups, drills, shrinking, and lost runs."""
