"""The base image `debian:trixie-slim`: local, else pulled, else made from Debian's packages."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import OperatorError, WorldError
from appliance.image import debian, docker
from appliance.image.console import Step, megabytes, say, step

if TYPE_CHECKING:
    from appliance.image.debian import Mirror

NAME = "debian:trixie-slim"
PULL_SECONDS = 60.0
OTHER_WAYS = f"on a machine that has it: docker save {NAME}; here: docker load"
KEYRING = Path("usr/share/keyrings/debian-archive-keyring.gpg")


def ensure(work: Path) -> None:
    """Make sure that the base image is there; what is there already is never touched.

    Args:
        work: A directory for downloads and logs.

    Raises:
        OperatorError: No registry answers, and this host lacks what making the image takes.
        WorldError: Making it failed.
    """
    if docker.image_id(NAME):
        say(f"base image {NAME}: here already")
        return
    line = Step(f"base image {NAME}: not here, asking the registry")
    refusal = docker.pull(NAME, PULL_SECONDS)
    line.end("pulled" if refusal is None else "no answer")
    if refusal is not None:
        say(f"  making {NAME} from Debian's packages instead ({shorten(refusal)})")
        make(work)


def make(
    work: Path, name: str = NAME, *, release: str = debian.RELEASE, packages: Sequence[str] = ()
) -> None:
    """Make the base image with mmdebstrap, fetching that first where it is not installed.

    Args:
        work: A directory for downloads and logs.
        name: The image's name.
        release: Debian's release.
        packages: What to install besides.
    """
    tools = work / "mmdebstrap"
    environment = dict(os.environ)
    if shutil.which("mmdebstrap") is None:
        with step(
            "  mmdebstrap: not installed, unpacking it below .build (the system stays as is)"
        ):
            _fetch_mmdebstrap(tools)
        environment = private_environment(environment, tools)
    keyring = next((path for path in (Path("/") / KEYRING, tools / KEYRING) if path.exists()), None)
    archive = work / "base.tar"
    log = work / "base.log"
    command = mmdebstrap_command(
        archive, _host_mirror(), keyring, release=release, packages=packages
    )
    with step(f"  mmdebstrap: making the root file system (log: {log})"), log.open("wb") as output:
        finished = subprocess.run(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if finished.returncode != 0:
        raise failure(log.read_text(errors="replace"), log, superuser=os.geteuid() == 0)
    docker.import_tar(archive, name, "made from Debian's packages by mmdebstrap")
    archive.unlink()
    say(f"  {name}: {megabytes(docker.image_size(name))}")


def mmdebstrap_command(
    archive: Path,
    mirror: Mirror | None,
    keyring: Path | None,
    *,
    release: str = debian.RELEASE,
    packages: Sequence[str] = (),
) -> list[str]:
    """Return the command that makes the root file system as the official slim image has it.

    Args:
        archive: Where the tar goes.
        mirror: Where packages come from; None leaves it to mmdebstrap's default.
        keyring: The keys that sign Debian; None leaves it to the host's apt.
        release: Debian's release.
        packages: What to install besides.
    """
    options = [f"--dpkgopt={rule}" for rule in debian.PATH_RULES]
    if keyring:
        options.append(f"--keyring={keyring}")
    return [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(('ca-certificates', *packages))}",
        *options,
        # A keyring's path on this host means nothing in the image, which has the keys itself.
        '--customize-hook=sed -i "s/\\[signed-by=[^]]*\\] *//" "$1/etc/apt/sources.list"',
        release,
        str(archive),
        *(mirror.sources(release) if mirror else []),
    ]


def private_environment(environment: dict[str, str], tools: Path) -> dict[str, str]:
    """Return an environment in which programs unpacked below `tools` find their parts."""
    perl = [tools / "usr/share/perl5", *sorted(tools.glob("usr/share/perl/*"))]
    perl += [*sorted(tools.glob("usr/lib/*/perl5/*")), *sorted(tools.glob("usr/lib/*/perl/*"))]
    libraries = sorted({path.parent for path in tools.glob("usr/lib/*/*.so*")})
    paths = {
        "PATH": [tools / "usr/bin", tools / "usr/sbin"],
        "PERL5LIB": perl,
        "LD_LIBRARY_PATH": libraries,
    }
    changed = dict(environment)
    for variable, first in paths.items():
        rest = [changed[variable]] if changed.get(variable) else []
        joined = os.pathsep.join([*map(str, first), *rest])
        if joined:
            changed[variable] = joined
    return changed


def private_apt_configuration(directory: Path, acquire: str) -> str:
    """Return an apt.conf with which apt leaves the host's lists, cache and hooks alone.

    Args:
        directory: Where apt keeps everything instead.
        acquire: The host's settings about fetching (see `debian.acquire_settings`).
    """
    return (
        f'Dir::State "{directory}/state";\n'
        'Dir::State::status "/var/lib/dpkg/status";\n'
        f'Dir::Cache "{directory}/cache";\n'
        # No configuration of the host is read but what stands below.
        'Dir::Etc::main "/dev/null";\n'
        'Dir::Etc::parts "/dev/null";\n'
        'Debug::NoLocking "true";\n'
        'APT::Sandbox::User "root";\n'
        'Acquire::Languages "none";\n'
    ) + acquire


def failure(log: str, where: Path, *, superuser: bool) -> OperatorError | WorldError:
    """Say why mmdebstrap failed: by what its log tells, and by who ran it."""
    reasons = [line[3:] for line in log.splitlines() if line.startswith("E: ")]
    reason = shorten(reasons[0]) if reasons else "it gave no reason"
    if not superuser:
        return OperatorError(
            f"{NAME} could not be made without root's rights: {reason}",
            where=str(where),
            remedy="run this once with sudo, or install the packages mmdebstrap and uidmap; "
            f"or {OTHER_WAYS}",
        )
    return WorldError(
        f"{NAME} could not be made from Debian's packages: {reason}",
        where=str(where),
        remedy=f"look there; or {OTHER_WAYS}",
    )


def shorten(text: str, limit: int = 160) -> str:
    """Return a text on one line, cut where a person would stop reading."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _fetch_mmdebstrap(tools: Path) -> None:
    """Unpack mmdebstrap, and what it needs that this host lacks, below `tools`."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise OperatorError(
                f"{NAME} is not here, no registry answers, and without {program} this system "
                "cannot make it",
                where=platform.platform(terse=True),
                remedy=OTHER_WAYS,
            )
    shutil.rmtree(tools, ignore_errors=True)
    apt = tools / "apt"
    for directory in ("state/lists/partial", "cache/archives/partial"):
        (apt / directory).mkdir(parents=True)
    configuration = apt / "apt.conf"
    configuration.write_text(
        private_apt_configuration(apt, debian.acquire_settings(_apt_dump())), encoding="utf-8"
    )
    packages = ["mmdebstrap"]
    if not (Path("/") / KEYRING).exists():
        packages.append("debian-archive-keyring")
    for command in (
        ["apt-get", "-q", "update"],
        ["apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "install", *packages],
    ):
        finished = subprocess.run(
            command,
            env={**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise OperatorError(
                f"{NAME} is not here, no registry answers, and apt cannot fetch mmdebstrap: "
                + shorten(finished.stderr),
                where="apt's sources of this host",
                remedy=f"mend them or install mmdebstrap; or {OTHER_WAYS}",
            )
    for package in sorted((apt / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, tools], check=True)


def _host_mirror() -> Mirror | None:
    etc = Path("/etc/apt")
    files = [etc / "sources.list", *sorted(etc.glob("sources.list.d/*"))]
    return debian.mirror(
        path.read_text(errors="replace")
        for path in files
        if path.suffix in {".list", ".sources"} and path.is_file()
    )


def _apt_dump() -> str:
    if shutil.which("apt-config") is None:
        return ""
    return subprocess.run(
        ["apt-config", "dump"], capture_output=True, text=True, check=False
    ).stdout


def host_apt_proxies() -> str:
    """Return the proxies that the host's apt uses, as lines of an apt.conf."""
    return debian.proxy_settings(_apt_dump())
