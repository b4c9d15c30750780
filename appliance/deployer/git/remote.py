"""What a repository elsewhere says it has: pure reading of `git ls-remote`."""

from __future__ import annotations

DEFAULT = "HEAD"


def names_of(ref: str) -> tuple[str, ...]:
    """Return the full names that a branch or a tag may have there, the one that counts first.

    As git has it, a tag goes before a branch. (gitrevisions(7)) The commit that an annotated tag
    stands for is listed under the tag's name with `^{}`.

    Args:
        ref: As the operator wrote it; empty for what is checked out by default.
    """
    if not ref:
        return (DEFAULT,)
    if ref.startswith("refs/"):
        return (f"{ref}^{{}}", ref)
    return (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}")


def commit_of(listing: str, ref: str) -> tuple[str, str] | None:
    """Return the commit of a ref and the ref's full name; None when it is not there.

    Args:
        listing: Lines of commit, tab and name.
        ref: As the operator wrote it.
    """
    found = {}
    for line in listing.splitlines():
        commit, _, name = line.partition("\t")
        found[name] = commit
    for name in names_of(ref):
        if name in found:
            return found[name], name.removesuffix("^{}")
    return None
