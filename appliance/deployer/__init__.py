"""The deployer: sources -> catalogue -> inspection -> plan -> apply."""
