# SPDX-License-Identifier: Apache-2.0
"""Servers on loopback that do what a row of a table needs, and certificates for them. All end with the process, or with close()."""
import os
import random
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time


class Server:
    """Each connection is served by `behave(socket)` on a thread of its own."""

    def __init__(self, behave, host="127.0.0.1"):
        self.behave = behave
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in host:
            self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.listener.bind((host, 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        peer.settimeout(20)
        try:
            self.behave(peer)
        except (OSError, ValueError):
            pass
        finally:
            peer.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # or the thread in accept() keeps it open
        self.listener.close()


def until_closed(peer):
    while peer.recv(4096):
        pass


def stall(peer):
    until_closed(peer)


def close_at_once(peer):
    pass


def close_when_spoken_to(peer):
    peer.recv(65536)


def reset(peer):  # once it was spoken to, so that it is not the connecting that fails
    peer.recv(1)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def flood(peer):
    while True:
        peer.sendall(b"x" * 65536)


def noise(peer):
    source = random.Random(1)
    peer.sendall(bytes(source.randrange(256) for _ in range(4096)))
    until_closed(peer)


def drip(text):
    def behave(peer):
        for i in range(10**6):
            peer.sendall(text[i % len(text):i % len(text) + 1])
            time.sleep(0.05)
    return behave


def say(text):
    def behave(peer):
        peer.sendall(text)
        until_closed(peer)
    return behave


def tls(context, before=None):
    def behave(peer):
        if before:
            before(peer)
        with context.wrap_socket(peer, server_side=True) as secured:
            until_closed(secured)
    return behave


CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/{name}.index
serial = {folder}/{name}.serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[ext]
{extensions}
"""


class Authority:
    """An authority, its certificates made by OpenSSL's command. `above`: who signed it; none: itself."""

    def __init__(self, name, above=None, days=(-30, 300)):
        self.name = name
        self.home = above.home if above else tempfile.TemporaryDirectory(prefix="drwatch-authority-")
        self.folder = self.home.name
        self.certificate, self.key = (above or self)._make(name, "basicConstraints = critical,CA:TRUE\nkeyUsage = keyCertSign", days,
                                                           itself=above is None)

    def path(self, end):
        return os.path.join(self.folder, end)

    def _run(self, *command):
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode != 0:
            raise RuntimeError(" ".join(command) + ": " + ran.stderr)

    def _make(self, name, extensions, days, itself=False, key="ec", md="sha256"):
        file = name.replace(" ", "-").replace("*", "star")
        key_file, request, made = self.path(file + ".key"), self.path(file + ".csr"), self.path(file + ".pem")
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else ["-newkey", key]
        config = self.path(file + ".cnf")
        with open(config, "w") as f:
            f.write(CONFIG.format(folder=self.folder, name=file, extensions=extensions))
        for end, text in ((".index", ""), (".serial", "%016X\n" % random.Random(file).randrange(1 << 60))):
            with open(self.path(file + end), "w") as f:
                f.write(text)
        self._run("openssl", "req", "-new", *kind, "-nodes", "-subj", "/CN=" + name, "-keyout", key_file, "-out", request, "-config", config)
        begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + d * 86400)) for d in days)
        signer = ["-selfsign", "-keyfile", key_file] if itself else ["-cert", self.certificate, "-keyfile", self.key]
        self._run("openssl", "ca", "-batch", "-config", config, "-notext", "-startdate", begin, "-enddate", end, "-md", md, "-extensions", "ext",
                  "-in", request, "-out", made, *signer)
        return made, key_file

    def issue(self, name, names, days=(-1, 90), itself=False, **how):
        extensions = "basicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth,clientAuth"
        return self._make(name, extensions + (f"\nsubjectAltName = {names}" if names else ""), days, itself, **how)


def context(certificate, above=(), client_ca=None, newest=None, oldest=None, weak=False):
    """A server's TLS context for (certificate, key), sending `above` with it."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        made.set_ciphers("ALL:@SECLEVEL=0")
    if oldest:
        made.minimum_version = oldest
    if newest:
        made.maximum_version = newest
    chain = certificate[0] + ".chain" + str(len(above))
    with open(chain, "w") as f:
        for file in (certificate[0], *above):
            with open(file) as part:
                f.write(part.read())
    made.load_cert_chain(chain, certificate[1])
    if client_ca:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(client_ca)
    return made
