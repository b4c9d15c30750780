"""Python environments of projects: one for each set of packages, on top of Zoe's own.

`demand` (what a project's files ask for, pure) is held against `own` (what Zoe brings), and what
lacks is installed by `uv` (`making`). `environments` knows which are there and which are needed.
"""
