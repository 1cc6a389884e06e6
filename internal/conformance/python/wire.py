"""docs/WIRE.md in Python: keys, offer and select, records. Bytes in, bytes out; nothing here reads or writes a stream."""

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

AUTH, DATA, CLOSE = 1, 2, 3
PSK, SERVER_SIGNS, CLIENT_SIGNS = 1, 2, 4
CONTROL_FRAMES = 0x0001
PING, PONG, GOAWAY = 1, 2, 3
CLOSING, DRAINING = 0, 1
REKEY_INTERVAL = 2**20


class Refused(Exception):
    """The peer did something that docs/WIRE.md does not allow; the first argument is the code of its table."""


def key_pair(private_key=None):
    """Returns a P-384 private key and its point, 97 bytes."""
    if private_key is None:
        private = ec.generate_private_key(ec.SECP384R1())
    else:
        private = ec.derive_private_key(int.from_bytes(private_key, "big"), ec.SECP384R1())
    encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    return private, private.public_key().public_bytes(encoding, form)


def shared_x(private, point):
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), point)
    except ValueError as error:
        raise Refused("IPC_PUBLIC_KEY_INVALID", str(error)) from error
    return private.exchange(ec.ECDH(), public)


def golang_ipc_key(x):
    return hashlib.sha256(x.lstrip(b"\0")).digest()


def lp(data):
    return struct.pack(">I", len(data)) + data


def name_hash(name):
    return hashlib.sha256(b"ipcx/1 name" + name.encode()).digest()[:16]


def read_offer(p):
    """Returns the offer in the plaintext of the limits; None if there is none."""
    if len(p) < 48 or p[4:9] != b"IPCX\x01":
        return None
    return {"accept": p[9] & 7, "require": p[10], "features": struct.unpack(">H", p[12:14])[0], "name": p[16:32]}


def make_select(mode, features, max_message_size):
    return struct.pack(">BHHI", 0x80 | mode, features, 0, max_message_size)


def transcript_hash(*items):
    return hashlib.sha256(b"ipcx/1 transcript" + b"".join(map(lp, items))).digest()


def extract(th, x, psk):
    return hmac.digest(th, x + (psk or bytes(32)), "sha256")


def expand(key, label, length):
    return HKDFExpand(hashes.SHA256(), length, b"ipcx/1 " + label).derive(key)


def make_auth(auth_key, th, identity=b""):
    return hmac.digest(auth_key, th + identity, "sha256") + identity


def make_identity(side, seed, th):
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return public + private.sign(b"ipcx/1 " + side + b" sig" + th)


class Direction:
    """The records of one direction: `side` is b"c" for what the client sends, b"s" for what the server sends."""

    def __init__(self, prk, side, rekey_interval=REKEY_INTERVAL):
        self.key = expand(prk, side + b" key", 32)
        self.iv = expand(prk, side + b" iv", 12)
        self.auth = expand(prk, side + b" auth", 32)
        self.seq = 0
        self.rekey_interval = rekey_interval

    def _next(self):
        if self.seq > 0 and self.seq % self.rekey_interval == 0:
            output = expand(self.key, b"rekey", 44)
            self.key, self.iv = output[:32], output[32:]
        self.nonce = bytes(a ^ b for a, b in zip(self.iv, struct.pack(">IQ", 0, self.seq)))
        self.seq += 1
        return AESGCM(self.key), self.nonce

    def seal(self, kind, plaintext=b""):
        header = bytes([kind]) + (len(plaintext) + 16).to_bytes(3, "big")
        cipher, nonce = self._next()
        return header + cipher.encrypt(nonce, plaintext, header)

    def open(self, header, sealed):
        cipher, nonce = self._next()
        try:
            return cipher.decrypt(nonce, sealed, header)
        except InvalidTag as error:
            code = "IPC_AUTHENTICATION_FAILED" if self.seq == 1 else "IPC_DECRYPTION_FAILED"
            raise Refused(code, "the tag of a record is wrong") from error


def make_ping(number):
    return struct.pack(">BI", PING, number)


def make_goaway(reason, received=0, taken=0):
    return struct.pack(">BBQQ", GOAWAY, reason, received, taken)


def check_control(data):
    """Returns the op of a control frame, whose length has been checked."""
    op = data[0] if data else None
    expected = {PING: 5, PONG: 5, GOAWAY: 18}.get(op, len(data))
    if not 1 <= len(data) <= 128 or len(data) != expected:
        raise Refused("IPC_RECORD_INVALID", f"a control frame of {len(data)} bytes, op {op}")
    return op


def answer_control(data):
    """Returns the data of the control frame that answers this one; None if none does."""
    return bytes([PONG]) + data[1:] if check_control(data) == PING else None


LENGTHS = {AUTH: (16, 512), DATA: (17, 262_160), CLOSE: (16, 16)}


def check_header(header, expected):
    """Returns the length of a record, before anything of it is read."""
    kind, length = header[0], int.from_bytes(header[1:4], "big")
    shortest, longest = LENGTHS.get(kind, (1, 0))
    if kind not in expected or not shortest <= length <= longest:
        raise Refused("IPC_RECORD_INVALID", f"kind {kind}, length {length}")
    return length
