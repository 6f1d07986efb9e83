"""TLS servers, a proxy and certificates of this machine: what a company's network puts in the way."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_pem_x509_certificate


def server_context(authority: trustme.CA, *names: str, clients: trustme.CA | None = None) -> ssl.SSLContext:
    """For a server with a certificate for these names; with `clients` it wants one of that authority in return."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if clients:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def bundle(authority: trustme.CA, path: Path) -> str:
    """The authority's certificate as a PEM file; returns its path."""
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@dataclass(frozen=True)
class Files:
    """A client certificate as its owner gets it: PEM files, the key with a passphrase too, and all in one `.p12`."""

    cert: Path
    key: Path
    locked: Path
    p12: Path
    der: Path


PHRASE = "open sesame"


def client_files(leaf: trustme.LeafCert, directory: Path, name: str = "client") -> Files:
    files = Files(*(directory / f"{name}.{end}" for end in ("pem", "key", "locked.key", "p12", "der")))
    pem = leaf.cert_chain_pems[0].bytes()
    files.cert.write_bytes(pem)
    files.key.write_bytes(leaf.private_key_pem.bytes())
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    secret = serialization.BestAvailableEncryption(PHRASE.encode())
    form = serialization.PrivateFormat.PKCS8
    files.locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, secret))
    certificate = load_pem_x509_certificate(pem)
    files.p12.write_bytes(pkcs12.serialize_key_and_certificates(b"sync", key, certificate, None, secret))  # type: ignore[arg-type]
    files.der.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    return files


class Proxy(ThreadingTCPServer):
    """An HTTP proxy that knows CONNECT. It alone knows where names lead; `routes` maps `host:port` to a port here."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, routes: Mapping[str, int], user: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.routes, self.user = routes, user
        self.asked: list[str] = []
        self.connects: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Tunnel(StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        headers = dict(h.decode().strip().lower().split(": ", 1) for h in iter(self.rfile.readline, b"\r\n"))
        target = line.split(" ")[1]
        self.server.asked.append(line.strip())
        if self.server.user and headers.get("proxy-authorization", "").partition(" ")[2] != self._expected():
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
        elif target not in self.server.routes:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        else:
            self.server.connects.append(target)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", self.server.routes[target])) as there:
                joined(self.connection, there)

    def _expected(self) -> str:
        # Headers were read in small letters.
        return base64.b64encode(self.server.user.encode()).decode().lower()


def joined(here: socket.socket, there: socket.socket) -> None:
    """Carries octets both ways until one side ends."""
    back = threading.Thread(target=carried, args=(there, here), daemon=True)
    back.start()
    carried(here, there)
    back.join()


def carried(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(2**16):
            sink.sendall(octets)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(routes: Mapping[str, int], user: str = "") -> Iterator[Proxy]:
    """The proxy as long as the context lasts."""
    with served(Proxy(routes, user)) as server:
        yield server


class Front(ThreadingTCPServer):
    """TLS in front of a server of this machine that speaks plain HTTP, as a load balancer has it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Unpacked)
        self.context, self.behind = context, port

    def handle_error(self, *_: object) -> None:
        """Handshakes that fail are meant."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Unpacked(StreamRequestHandler):
    server: Front

    def handle(self) -> None:
        with (
            self.server.context.wrap_socket(self.request, server_side=True) as here,
            socket.create_connection(("127.0.0.1", self.server.behind)) as there,
        ):
            joined(here, there)


@contextmanager
def front(context: ssl.SSLContext, port: int) -> Iterator[Front]:
    with served(Front(context, port)) as server:
        yield server


Server = Proxy | Front


@contextmanager
def served(server: Server) -> Iterator[Server]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
