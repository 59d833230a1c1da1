#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ports that talk and name servers that answer, as drwatch's tcp and dns, blackbox_exporter's probers and check_tcp see them.

    DRWATCH=build/dev/drwatch tests/compared/tcp_dns.py [-v]
"""
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
from compared import TIMEOUT, Compared, Row, die_with_parent, free_port  # noqa: E402
from servers import Server, close_at_once, drip, flood, noise, reset, say, stall, until_closed  # noqa: E402

NAME = "www.example.org"


class NameServer:
    """Answers each question with what `answer(question)` returns; None: not at all."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.closing = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                question, peer = self.socket.recvfrom(4096)
                if self.closing:
                    return
                answer = self.answer(question)
                if answer is not None:
                    self.socket.sendto(answer, peer)
            except OSError:
                return

    def close(self):
        self.closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:  # or the thread keeps it open
            waker.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


def end_of_question(question):
    at = 12
    while question[at]:
        at += question[at] + 1
    return at + 5


def address(text, ttl=60):
    return b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, ttl, 4) + socket.inet_aton(text)


def answer(*records, rcode=0, flags=0x8180, count=None, other_id=False):
    def made(question):
        end = end_of_question(question)
        number = bytes([question[0] ^ 0xff, question[1]]) if other_id else question[:2]
        head = number + struct.pack(">HHHHH", flags | rcode, 1, len(records) if count is None else count, 0, 0)
        return head + question[12:end] + b"".join(records)
    return made


class TcpCompared(Compared, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = []

        def add(name, behave, says, blackbox, checked, why="", expect="", send="", listens=True):
            server = Server(behave)
            keys = f'kind = "tcp"\ntarget = "{server.address}"\n'
            talk = [{"send": send}] if send else []
            if expect:
                keys += f'expect = "{expect}"\n'
                talk += [{"expect": expect}]
            if send:
                keys += f'send = "{send}\\r\\n"\n'
            plugin = ["check_tcp", "-H", "127.0.0.1", "-p", str(server.port), "-t", str(TIMEOUT)]
            plugin += (["-e", expect.lstrip("^")] if expect else []) + (["-E", "-s", send + "\\r\\n"] if send else [])
            cls.rows.append(Row(name, keys, says, {"prober": "tcp", "tcp": {"query_response": talk}}, server.address, blackbox, plugin, checked, why))
            if listens:
                cls.addClassCleanup(server.close)
            else:
                server.close()

        def pong(peer):
            if peer.recv(100).startswith(b"PING"):
                peer.sendall(b"+PONG\r\n")
            until_closed(peer)

        add("banner", say(b"220 mail ready\r\n"), "up", "up", "up", expect="^220 ")
        add("asked-first", pong, "up", "up", "up", send="PING", expect="PONG")
        add("connects-only", stall, "up", "up", "up")
        add("nobody-listens", stall, "down connect ECONNREFUSED", "down", "down", listens=False)
        add("wrong-banner", say(b"554 go away\r\n"), "down timeout", "down", "degraded", expect="^220 ",
            why="check_tcp calls a wrong answer a warning, unless told otherwise (-M).")
        add("wrong-banner-and-end", lambda peer: peer.sendall(b"554 go away\r\n"), "down assertion", "down", "degraded", expect="^220 ",
            why="check_tcp calls a wrong answer a warning, unless told otherwise (-M).")
        add("banner-without-end-of-line", say(b"220 mail"), "up", "down", "up", expect="^220 ",
            why="blackbox_exporter waits for whole lines; what was asked for has come. A script of drwatch's waits for lines, too.")
        add("stalls", stall, "down timeout", "down", "down", expect="^220 ")
        add("closes-at-once", close_at_once, "down assertion", "down", "down", expect="^220 ")
        add("floods", flood, "down assertion", "down", "down", expect="^220 ")
        add("drips", drip(b"2"), "down timeout", "down", "down", expect="^220 ")
        add("random-bytes", noise, "down timeout", "down", "degraded", expect="^220 ",
            why="check_tcp calls a wrong answer a warning, unless told otherwise (-M).")
        add("resets", reset, "down connect ECONNRESET", "down", "down", send="PING", expect="PONG")
        super().setUpClass()


class DnsCompared(Compared, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = []

        def add(name, says, blackbox, behave=None, why="", more="", listens=True, **dns):
            server = NameServer(behave)
            keys = f'kind = "dns"\nname = "{NAME}"\nservers = ["{server.address}"]\n{more}'
            module = {"prober": "dns", "dns": {"query_name": NAME, "query_type": "A", "preferred_ip_protocol": "ip4", **dns}}
            cls.rows.append(Row(name, keys, says, module, server.address, blackbox, why=why))
            if listens:
                cls.addClassCleanup(server.close)
            else:
                server.close()

        good = address("192.0.2.80")
        pinned = {"validate_answer_rrs": {"fail_if_none_matches_regexp": [r".*192\.0\.2\.80"]}}
        add("good", "up", "up", answer(good))
        add("nxdomain", "down dns NXDOMAIN", "down", answer(rcode=3))
        add("nxdomain-wanted", "up", "up", answer(rcode=3), more='rcode = "NXDOMAIN"', valid_rcodes=["NXDOMAIN"])
        add("exists-and-must-not", "down assertion NOERROR", "down", answer(good), more='rcode = "NXDOMAIN"', valid_rcodes=["NXDOMAIN"])
        add("servfail", "down dns SERVFAIL", "down", answer(rcode=2))
        add("refused", "down dns REFUSED", "down", answer(rcode=5))
        add("pinned", "up", "up", answer(good), more='expect = ["192.0.2.80"]', **pinned)
        add("pinned-and-other", "down assertion pin", "down", answer(address("198.51.100.66")), more='expect = ["192.0.2.80"]', **pinned)
        add("pinned-and-one-more", "down assertion pin", "up", answer(good, address("198.51.100.66")), more='expect = ["192.0.2.80"]',
            why="blackbox_exporter asks whether one record matches; `expect` is the whole set.", **pinned)
        add("no-records", "down dns NODATA", "up", answer(), why="blackbox_exporter looks at the rcode, unless told to look at the records.")
        add("silent", "down dns TIMEOUT", "down", lambda question: None)
        add("nobody-listens", "down dns ECONNREFUSED", "down", listens=False)
        add("cut-off", "down dns BADRESP", "down", answer(good[:9], count=1))
        add("promises-more", "down dns BADRESP", "up", answer(good, count=5),
            why="blackbox_exporter's parser takes what is there of an answer that ends too early.")
        add("name-in-a-circle", "down dns BADRESP", "down", answer(b"\xc0\x21" + good[2:]))
        add("another-id", "down dns TIMEOUT", "down", answer(good, other_id=True))
        source = random.Random(3)
        junk = bytes(source.randrange(256) for _ in range(300))
        add("random-bytes", "down dns TIMEOUT", "down", lambda question: question[:2] + junk)
        super().setUpClass()


ZONE = """$ORIGIN example.org.
$TTL 300
@ SOA ns1 hostmaster 7 7200 3600 1209600 60
@ NS ns1
@ NS ns2.example.net.
ns1 A 127.0.0.1
@ A 192.0.2.80
@ AAAA 2001:db8::80
www CNAME @
@ MX 10 mail
@ TXT "v=spf1 -all"
@ CAA 0 issue "letsencrypt.org"
_sip._tcp SRV 1 2 5060 sip
""" + "".join(f'big TXT "{i:03} {"x" * 200}"\n' for i in range(20))

NSD = """
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  database: ""
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  logfile: "{folder}/nsd.log"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: example.org
  zonefile: example.org.zone
"""


class RealNameServerCompared(Compared, unittest.TestCase):
    """NSD, with records of each kind; those that do not fit a datagram come over TCP."""

    @classmethod
    def start(cls):
        home = tempfile.TemporaryDirectory(prefix="drwatch-nsd-")
        cls.addClassCleanup(home.cleanup)
        port = free_port()
        for name, text in (("nsd.conf", NSD.format(port=port, folder=home.name)), ("example.org.zone", ZONE)):
            with open(f"{home.name}/{name}", "w") as f:
                f.write(text)
        server = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", home.name + "/nsd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  preexec_fn=die_with_parent)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return f"127.0.0.1:{port}"
            except OSError:
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("nsd does not start")
                time.sleep(0.05)

    @classmethod
    def setUpClass(cls):
        cls.rows = []
        address = cls.start()

        def add(name, asked, kind, says, blackbox, more="", why="", **dns):
            keys = f'kind = "dns"\nname = "{asked}"\ntype = "{kind}"\nservers = ["{address}"]\n{more}'
            module = {"prober": "dns", "dns": {"query_name": asked, "query_type": kind, "preferred_ip_protocol": "ip4", **dns}}
            cls.rows.append(Row(name, keys, says, module, address, blackbox, why=why))

        def matching(regexp):
            return {"validate_answer_rrs": {"fail_if_none_matches_regexp": [regexp]}}

        apex = "example.org"
        add("a", apex, "A", "up", "up", 'expect = ["192.0.2.80"]', **matching("192.0.2.80"))
        add("aaaa", apex, "AAAA", "up", "up", 'expect = ["2001:db8:0::80"]', **matching("2001:db8::80"))
        add("over-an-alias", NAME, "A", "up", "up", 'expect = ["192.0.2.80"]', **matching("192.0.2.80"))
        add("cname", NAME, "CNAME", "up", "up", 'expect = ["example.org."]', **matching("example.org"))
        add("mx", apex, "MX", "up", "up", 'expect = ["10 Mail.example.org."]', **matching("mail.example.org"))
        add("mx-other", apex, "MX", "down assertion pin", "down", 'expect = ["10 mx.example.net"]', **matching("mx.example.net"))
        add("ns", apex, "NS", "up", "up", 'expect = ["ns1.example.org", "ns2.example.net"]', **matching("ns2.example.net"))
        add("txt", apex, "TXT", "up", "up", 'contains = ["v=spf1 -all"]', **matching("v=spf1 -all"))
        add("caa", apex, "CAA", "up", "up", "expect = ['0 issue \"letsencrypt.org\"']", **matching("letsencrypt.org"))
        add("srv", "_sip._tcp.example.org", "SRV", "up", "up", 'expect = ["1 2 5060 sip.example.org"]', **matching("sip.example.org"))
        add("soa", apex, "SOA", "up", "up", 'contains = ["ns1.example.org hostmaster.example.org 7 7200 3600 1209600 60"]', **matching(" 7 7200"))
        add("gone", "gone.example.org", "A", "down dns NXDOMAIN", "down")
        add("none-of-that-type", "ns1.example.org", "AAAA", "down dns NODATA", "up",
            why="blackbox_exporter looks at the rcode, unless told to look at the records.")
        add("not-its-zone", "example.net", "A", "down dns REFUSED", "down")
        add("larger-than-a-datagram", "big.example.org", "TXT", "up", "down", f'contains = ["019 {"x" * 200}"]',
            why="blackbox_exporter does not go on to TCP by itself.", **matching("019 xxx"))
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
