"""What of the Ansible collection follows from the settings model: role variables and their page."""
