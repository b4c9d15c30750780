"""The command `zoe`: verbs and the modules that carry them out; nothing else."""


def main() -> int:
    """Run the verb named on the command line; return the exit code."""
    return 0
