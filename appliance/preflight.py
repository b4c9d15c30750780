"""Everything that can be known to be wrong before anything is started or changed."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance import credentials, guards, stamp
from appliance.database import postgres, reachability
from appliance.database.promotion import guard
from appliance.deployer.git import access
from appliance.errors import OperatorError, SeveralMistakesError, WorldError
from appliance.layout import Layout, Runtime
from appliance.prefect_environment import check_no_owned_name
from appliance.settings import Component, DatabaseEngine, Settings

Check = Callable[[], object]


def check(settings: Settings, layout: Layout, runtime: Runtime, *, starting: bool) -> None:
    """Run every check that applies to these settings.

    Args:
        settings: What is to run.
        layout: Where its data lives.
        runtime: Where its sockets go.
        starting: Whether we are about to start; a running Zoe occupies its own port.

    Raises:
        OperatorError: All that is wrong.
        WorldError: Nothing is known to be wrong, but the database cannot be looked into.
    """
    mistakes = []
    for one in _checks(settings, layout, runtime, starting=starting):
        try:
            one()
        except SeveralMistakesError as error:
            mistakes += error.errors
        except OperatorError as error:
            mistakes.append(error)
        except WorldError:
            # Data of another user cannot be looked into; the reason is among the mistakes.
            if not mistakes:
                raise
    if mistakes:
        raise SeveralMistakesError(mistakes)


def _checks(
    settings: Settings, layout: Layout, runtime: Runtime, *, starting: bool
) -> Iterator[Check]:
    yield lambda: check_no_owned_name(os.environ)
    yield lambda: data_directory(layout)
    yield lambda: stamp.check(layout)
    yield lambda: writable_directory(runtime.root, "ZOE_RUNTIME_DIR", "mount a tmpfs there")
    if Component.DEPLOYER in settings.runs_here:
        yield lambda: access.check(settings)
    if settings.tls_ca_file:
        yield lambda: certificate_authority(settings.tls_ca_file)
    if Component.SERVER not in settings.runs_here:
        yield lambda: credentials.read(settings, layout)
        return
    if starting:
        yield lambda: guard.check(settings, layout)
    if settings.tls:
        yield lambda: certificate(settings.tls_cert_file, settings.tls_key_file)
    if starting:
        yield lambda: port(settings.host, settings.port)
    yield lambda: database(settings, layout, runtime, starting=starting)


def database(settings: Settings, layout: Layout, runtime: Runtime, *, starting: bool) -> None:
    """Refuse a database that cannot be used as it is, as far as that can be seen now.

    The embedded one can be looked into only when it is served; the server does that.

    Raises:
        OperatorError: It can't be used.
        WorldError: It can't be looked into.
    """
    if settings.engine is DatabaseEngine.EMBEDDED_POSTGRES:
        bin_dir = postgres.find_bin_dir(settings.postgres_bin_dir)
        guards.cluster_version(layout.postgres_data, bin_dir)
        return
    if settings.engine is DatabaseEngine.EXTERNAL_POSTGRES:
        if not starting:
            return
        reachability.check(settings.database.get_secret_value())
    guards.database(settings, layout, guards.look(settings, layout, runtime))


def data_directory(layout: Layout) -> None:
    """Refuse a data directory that we may not write or that another user filled.

    Raises:
        OperatorError: It is not ours to use.
    """
    owner = _foreign_owner(layout)
    if owner is not None:
        raise OperatorError(
            f"the data in {layout.data} belongs to uid {owner}, and this is uid {os.getuid()}",
            where="ZOE_DATA_DIR",
            remedy=f"run as that user (docker run --user {owner}), or chown the data to "
            f"{os.getuid()}",
        )
    writable_directory(
        layout.data,
        "ZOE_DATA_DIR",
        f"make it writable for uid {os.getuid()}: chown {os.getuid()} the directory or volume, "
        "or choose another with docker run --user",
    )


def _foreign_owner(layout: Layout) -> int | None:
    """Return the uid that owns earlier data, where that is not ours."""
    for path in (layout.stamp, layout.secrets_dir, layout.sqlite_file.parent, layout.postgres_data):
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        if owner != os.getuid():
            return owner
    return None


def writable_directory(path: Path, where: str, remedy: str) -> None:
    """Refuse a directory that is not there and cannot be made, or that cannot be written to.

    Raises:
        OperatorError: It can't be used.
    """
    there = path
    # `os.path` takes what it may not look at for absent; `pathlib` raises.
    while not os.path.lexists(there):
        there = there.parent
    if not os.path.isdir(there):  # noqa: PTH112 - see above
        raise OperatorError(f"{there} is not a directory", where=where, remedy=remedy)
    if not os.access(there, os.W_OK | os.X_OK):
        raise OperatorError(
            f"uid {os.getuid()} cannot write to {there}", where=where, remedy=remedy
        )


def certificate(certificate_file: Path | None, key_file: Path | None) -> None:
    """Refuse a certificate and key that cannot be read or do not belong together.

    Raises:
        OperatorError: TLS could not start with them.
    """
    _readable(certificate_file, "ZOE_TLS_CERT_FILE")
    _readable(key_file, "ZOE_TLS_KEY_FILE")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(str(certificate_file), str(key_file), password=_no_passphrase)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise OperatorError(
            f"certificate and key cannot be used: {str(reason).replace('_', ' ').lower()}",
            where=f"ZOE_TLS_CERT_FILE {certificate_file}, ZOE_TLS_KEY_FILE {key_file}",
            remedy="give a PEM certificate and its own key without a passphrase",
        ) from None


def certificate_authority(path: Path | None) -> None:
    """Refuse a CA file that holds no certificate.

    Raises:
        OperatorError: It can't be read.
    """
    _readable(path, "ZOE_TLS_CA_FILE")
    try:
        ssl.create_default_context(cafile=str(path))
    except ssl.SSLError:
        raise OperatorError(
            f"{path} holds no certificate", where="ZOE_TLS_CA_FILE", remedy="give a PEM file"
        ) from None


def port(host: str, number: int) -> None:
    """Refuse a port that somebody else has.

    Raises:
        OperatorError: It can't be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            raise OperatorError(
                f"cannot listen on {host} port {number}: {error.strerror}",
                where="ZOE_HOST and ZOE_PORT",
                remedy="stop what uses it, or set another",
            ) from None


def _no_passphrase() -> str:
    raise ValueError("the key is protected by a passphrase")


def _readable(path: Path | None, variable: str) -> None:
    # Not by `pathlib`, which raises for a file in a closed directory.
    if path is None or not os.path.isfile(path) or not os.access(path, os.R_OK):  # noqa: PTH113
        raise OperatorError(
            f"the file {path} is not there or not readable for uid {os.getuid()}",
            where=variable,
            remedy="mount it, and let that user read it",
        )
