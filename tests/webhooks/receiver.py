"""A real webhook receiver on loopback that answers, or misbehaves, as a test wants it to."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Conversation:
    """One connection, as the receiver sees it."""

    def __init__(self, connection: socket.socket, receiver: "Receiver") -> None:
        self._connection = connection
        self._receiver = receiver
        self._unread = b""
        self.sent = 0

    def requests(self) -> Iterator[bytes]:
        """Each request in full, until the sender hangs up."""
        while True:
            while b"\r\n\r\n" not in self._unread:
                if not self._read():
                    return
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            (length,) = (
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            while len(self._unread) < length:
                if not self._read():
                    return
            body, self._unread = self._unread[:length], self._unread[length:]
            request = head + b"\r\n\r\n" + body
            self._receiver.received.append(request)
            yield request

    def say(self, data: bytes) -> None:
        self._connection.sendall(data)
        self.sent += len(data)

    def drip(self, data: bytes, every: float = 0.02) -> None:
        """Says one byte after the other while somebody listens, for ten seconds at most."""
        end = time.monotonic() + 10
        for byte in data:
            if time.monotonic() > end:
                return
            self.say(bytes([byte]))
            self._receiver.closing.wait(every)

    def hang(self) -> None:
        """Says nothing until the sender hangs up."""
        while self._read():
            continue

    def ignore(self) -> None:
        """Neither reads nor speaks, and does not even hang up."""
        self._receiver.closing.wait(10)

    def _read(self) -> bool:
        data = self._connection.recv(65_536)
        self._unread += data
        return bool(data)


Script = Callable[[Conversation], None]


class Receiver:
    """Listens on a free port; `script` holds one conversation per connection."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.port: int = self._listening.getsockname()[1]
        self.received: list[bytes] = []
        self.conversations: list[Conversation] = []
        self.server_names: list[str | None] = []
        self.closing = threading.Event()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}/in"

    @contextmanager
    def listening(self) -> "Iterator[Receiver]":
        accepting = threading.Thread(target=self._accept, daemon=True)
        accepting.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            accepting.join(5)
            for connection in self._open:
                with suppress(OSError):  # it may have ended by itself
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join(5)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        # A sender that hangs up in the middle is what many of these scripts are about.
        try:
            if self._tls is not None:
                self._tls.sni_callback = lambda _, name, __: self.server_names.append(name)
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            conversation = Conversation(connection, self)
            self.conversations.append(conversation)
            self._script(conversation)
        except OSError:
            return
        finally:
            connection.close()


def answers(*replies: bytes) -> Script:
    """Gives these replies in turn, the last one again and again."""
    left = list(replies)

    def script(conversation: Conversation) -> None:
        for _ in conversation.requests():
            conversation.say(left.pop(0) if len(left) > 1 else left[0])

    return script


def answers_and_hangs_up(reply: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.say(reply)

    return script


class Authority:
    """Issues certificates, as a public authority would, into one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._serial = 0
        certificate = (
            self._builder(self._name, self._key, self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str, *, ended: bool = False) -> ssl.SSLContext:
        """What a server for this host needs; `ended` makes its certificate one of yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([_general_name(host)])
        certificate = (
            self._builder(name, key, self._name, ended=ended)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{self._serial}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        *,
        ended: bool = False,
    ) -> x509.CertificateBuilder:
        self._serial += 1
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        issuer_key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(self._serial)
            .not_valid_before(now - 2 * day)
            .not_valid_after(now - day if ended else now + day)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), False)
        )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
