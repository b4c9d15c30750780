"""Flow runs that start by a fork of a process which has imported all they need already.

`keeper` (in the worker) holds the socket and keeps a `template` alive behind it. The worker's job
template names the command `zoe-flow-run`, the `launcher`: it hands what it was started with over
to the template, which forks a `child`; the child becomes what a cold run would be and runs
Prefect's engine. Without a template the launcher becomes a cold run itself.
"""
