"""Projects from git repositories: fetched now and then, a checkout per commit, no git at run time.

`access` is what a repository wants to see of us, `command` runs git, `remote` reads what it says of
a repository, `repository` fetches and checks out, `state` remembers which commit is live, `source`
puts it together for the deployer.
"""
