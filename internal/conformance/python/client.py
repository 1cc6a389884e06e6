"""A client of an @ipc server, written from docs/WIRE.md.

Reads a JSON object of settings from stdin, sends messages to a server that echoes them, and prints what came of it as a JSON
object: {"mode", "limit", "echoed", "pongs"}, or {"code", "message"}. With "stays", it then waits for the server's end, and its
code is among them.
"""

import json
import os
import socket
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire
from wire import Refused

DEADLINE_S = 20


class Client:
    def __init__(self, settings):
        self.settings = settings
        self.psk = bytes.fromhex(settings["psk"]) if "psk" in settings else None
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(DEADLINE_S)
        self.frames = b""
        self.control_frames = False
        self.pongs = []
        self.has_closed = False
        self.established = False

    def receive(self, length):
        data = bytearray()
        while len(data) < length:
            part = self.stream.recv(min(length - len(data), 65_536))
            if not part:
                raise Refused(self.end_code(len(data)), f"{len(data)} of {length} bytes, then the end")
            data += part
        return bytes(data)

    def end_code(self, count):
        """Judges an end of the stream, after `count` bytes of what was expected."""
        if not self.established:
            return "IPC_HANDSHAKE_FAILED"
        if self.mode == "secure":
            return "IPC_RECORD_TRUNCATED"
        if count > 0 or self.control_frames and not self.has_closed:
            return "IPC_FRAME_TRUNCATED"
        return "IPC_PEER_CLOSED"

    def connect(self):
        self.shake_hands()
        self.established = True

    def shake_hands(self):
        self.stream.connect(self.settings["address"])
        hello = self.receive(2)
        if hello[0] != 2:
            self.stream.sendall(b"\x01")
            raise Refused("IPC_VERSION_MISMATCH", f"version {hello[0]}")
        if hello[1] not in (0, 1):
            raise Refused("IPC_SERVER_BUSY" if hello[1] == 0xFF else "IPC_HANDSHAKE_FAILED", f"encryption {hello[1]}")
        self.stream.sendall(b"\x00")
        if hello[1] == 0:
            self.mode = "plain"
            length = self.receive(4)
            self.answer(self.receive(struct.unpack(">I", length)[0]))
            return
        private, point = wire.key_pair()
        self.stream.sendall(point)
        server_point = self.receive(97)
        x = wire.shared_x(private, server_point)
        self.cipher = AESGCM(wire.golang_ipc_key(x))
        length = self.receive(4)
        body = self.receive(struct.unpack(">I", length)[0])
        select = self.answer(self.cipher.decrypt(body[:12], body[12:], None))
        if len(select) == 1:
            self.mode = "compatible"
            return
        self.mode = "secure"
        th = wire.transcript_hash(hello, b"\x00", point, server_point, length + body, select)
        prk = wire.extract(th, x, self.psk if select[0] & wire.PSK else None)
        self.outgoing, self.incoming = wire.Direction(prk, b"c"), wire.Direction(prk, b"s")
        self.stream.sendall(self.outgoing.seal(wire.AUTH, wire.make_auth(self.outgoing.auth, th)))
        try:
            plaintext = self.record((wire.AUTH,))[1]
        except Refused as refusal:
            if refusal.args[0] == "IPC_HANDSHAKE_FAILED":
                raise Refused("IPC_AUTHENTICATION_FAILED", "the server ended the connection after the AUTH") from refusal
            raise
        if plaintext != wire.make_auth(self.incoming.auth, th):
            raise Refused("IPC_AUTHENTICATION_FAILED", "the server's AUTH is of another handshake")

    def answer(self, p):
        """Decides about an offer, and sends the select."""
        self.limit = struct.unpack(">I", p[:4])[0]
        offer = wire.read_offer(p)
        if self.psk is not None and (offer is None or not offer["accept"] & wire.PSK):
            if offer is None or offer["require"] & 0x80:
                self.stream.sendall(b"\x00")
            raise Refused("IPC_SECURITY_REFUSED", "the server takes no pre-shared key")
        if offer is None or self.settings.get("golangIpc"):
            select = b"\x00"
        else:
            if offer["name"] not in (bytes(16), wire.name_hash(self.settings["name"])):
                raise Refused("IPC_SECURITY_REFUSED", "the server has another name")
            self.control_frames = bool(offer["features"] & wire.CONTROL_FRAMES)
            mode = wire.PSK if self.psk is not None else 0
            select = wire.make_select(mode, wire.CONTROL_FRAMES, self.settings["maxMessageSize"])
        self.stream.sendall(select)
        return select

    def record(self, expected):
        header = self.receive(4)
        sealed = self.receive(wire.check_header(header, expected))
        return header[0], self.incoming.open(header, sealed)

    def send(self, kind, data):
        body = struct.pack(">I", kind) + data
        if self.mode == "secure":
            frame = wire.lp(body)
            for at in range(0, len(frame), 262_144):
                self.stream.sendall(self.outgoing.seal(wire.DATA, frame[at : at + 262_144]))
            return
        if self.mode == "compatible":
            nonce = os.urandom(12)
            body = nonce + self.cipher.encrypt(nonce, body, None)
        self.stream.sendall(wire.lp(body))

    def frame(self, length):
        """Returns the next bytes of the sequence of frames."""
        if self.mode != "secure":
            return self.receive(length)
        while len(self.frames) < length:
            kind, plaintext = self.record((wire.DATA, wire.CLOSE))
            if kind == wire.CLOSE:
                raise Refused("IPC_PEER_CLOSED", "CLOSE")
            self.frames += plaintext
        data, self.frames = self.frames[:length], self.frames[length:]
        return data

    def read(self):
        """Returns the type and the data of the next message; answers control frames."""
        while True:
            body = self.frame(struct.unpack(">I", self.frame(4))[0])
            if self.mode == "compatible":
                body = self.cipher.decrypt(body[:12], body[12:], None)
            kind, data = struct.unpack(">I", body[:4])[0], body[4:]
            if kind != 0:
                return kind, data
            if self.control_frames:
                self.control(data)

    def control(self, data):
        op, answer = wire.check_control(data), wire.answer_control(data)
        if answer is not None:
            self.send(0, answer)
        elif op == wire.PONG:
            self.pongs.append(data[1:].hex())
        elif op == wire.GOAWAY and data[1] == wire.CLOSING:
            self.has_closed = True

    def close(self):
        """Announces the end where it can, ends this half, reads to the server's end, and returns how many bytes still came."""
        if self.mode == "secure":
            self.stream.sendall(self.outgoing.seal(wire.CLOSE))
        elif self.control_frames:
            self.send(0, wire.make_goaway(wire.CLOSING))
        self.stream.shutdown(socket.SHUT_WR)
        count = 0
        while part := self.stream.recv(65_536):
            count += len(part)
        return count


def run(settings):
    client = Client(settings)
    try:
        client.connect()
        if client.control_frames:
            client.send(0, wire.make_ping(263))
        for size in settings["sizes"]:
            data = os.urandom(size)
            client.send(7, data)
            if client.read() != (7, data):
                raise Refused("IPC_CONNECTION_LOST", f"the echo of {size} bytes differs")
        report = {"mode": client.mode, "limit": client.limit, "echoed": len(settings["sizes"]), "pongs": client.pongs}
        if settings.get("stays"):
            return report | {"code": end_of(client)}
        client.close()
        return report
    except Refused as refusal:
        code, message = refusal.args
        return {"code": code, "message": message}


def end_of(client):
    try:
        while True:
            client.read()
    except Refused as refusal:
        return refusal.args[0]


json.dump(run(json.load(sys.stdin)), sys.stdout)
