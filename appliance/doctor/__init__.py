"""`zoe doctor`: one module a look; each returns findings, and none changes anything."""
