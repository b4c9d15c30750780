"""The kinds of object that a project may declare, one module each."""
