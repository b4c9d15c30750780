"""What an operator can ask of Zoe: one module a verb."""
