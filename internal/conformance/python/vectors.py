"""Makes the vectors of ipcx/1 again, by docs/WIRE.md alone, and prints how many values were compared; the first that differs is an error.

With --fill it adds each value that is missing, and prints the vectors: a new session needs its inputs only, a new control frame its
`about`, `frame` and `answer`.
"""

import json
import struct
import sys

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire

TEXTS = ("name", "about")
count = 0


def check(where, vector, values):
    """Compares bytes with the hex in `vector`, or adds it."""
    global count
    for name, value in values.items():
        if "--fill" in sys.argv:
            vector.setdefault(name, value.hex())
        if vector.get(name) != value.hex():
            raise SystemExit(f"{where}: {name} is {value.hex()}, the vectors have {vector.get(name)}")
        count += 1


def bytes_of(vector):
    return {name: bytes.fromhex(value) for name, value in vector.items() if isinstance(value, str) and name not in TEXTS}


def remake_exchange(vector):
    """A key exchange: returns X and the golang-ipc key."""
    item = bytes_of(vector)
    client, client_key = wire.key_pair(item["client private key"])
    _, server_key = wire.key_pair(item["server private key"])
    x = wire.shared_x(client, server_key)
    key = wire.golang_ipc_key(x)
    check(vector["about"], vector, {"client key": client_key, "server key": server_key, "X": x, "golang-ipc key": key})
    return x, key


def remake(session):
    about, item = session["name"], bytes_of(session)
    x, key = remake_exchange(session)
    nonce = item["limits nonce"]
    limits = wire.lp(nonce + AESGCM(key).encrypt(nonce, item["P"], None))
    select = wire.make_select(item["select"][0] & 7, wire.CONTROL_FRAMES, struct.unpack(">I", item["select"][5:])[0])
    check(about, session, {"limits": limits, "select": select})
    keys = (bytes.fromhex(session[f"{role} key"]) for role in ("client", "server"))
    th = wire.transcript_hash(item["hello"], item["reply"], *keys, limits, select)
    prk = wire.extract(th, x, item.get("psk"))
    check(about, session, {"TH": th, "PRK": prk, "exporter": wire.expand(prk, b"exporter", 32)})
    for side, role, bit in (("c", "client", wire.CLIENT_SIGNS), ("s", "server", wire.SERVER_SIGNS)):
        direction = wire.Direction(prk, side.encode(), session["rekey interval"])
        following = wire.expand(direction.key, b"rekey", 44)
        check(about, session, {f"{side} key": direction.key, f"{side} iv": direction.iv, f"{side} auth": direction.auth})
        check(about, session, {f"next {side} key": following[:32], f"next {side} iv": following[32:]})
        identity = b""
        if f"{role} seed" in item:
            public = ed25519.Ed25519PrivateKey.from_private_bytes(item[f"{role} seed"]).public_key().public_bytes_raw()
            check(about, session, {f"{role} identity": public})
        if select[0] & bit:
            identity = wire.make_identity(role.encode(), item[f"{role} seed"], th)
        for seq, record in enumerate(session[f"{role} records"]):
            where = f"{about}, record {seq} of the {role}"
            if record["kind"] == wire.AUTH:
                check(where, record, {"plaintext": wire.make_auth(direction.auth, th, identity)})
            sealed = direction.seal(record["kind"], bytes.fromhex(record["plaintext"]))
            check(where, record, {"record": sealed, "key": direction.key, "nonce": direction.nonce})


def remake_control(vector, session):
    """Seals a control frame as the first DATA of both sides, and answers it."""
    frame = bytes.fromhex(vector["frame"])
    answer = wire.answer_control(frame[8:])
    check(vector["about"], vector, {"frame": wire.lp(bytes(4) + frame[8:])})
    if answer is not None:
        check(vector["about"], vector, {"answer": wire.lp(bytes(4) + answer)})
    elif "answer" in vector:
        raise SystemExit(f"{vector['about']}: this frame has no answer")
    for side, role in ((b"c", "client"), (b"s", "server")):
        direction = wire.Direction(bytes.fromhex(session["PRK"]), side)
        direction.seal(wire.AUTH, bytes.fromhex(session[f"{role} records"][0]["plaintext"]))
        check(vector["about"], vector, {f"{role} record": direction.seal(wire.DATA, frame)})


vectors = json.load(sys.stdin)
for one in vectors["sessions"]:
    remake(one)
psk = next(one for one in vectors["sessions"] if one["name"] == "psk")
for one in vectors["control frames"]:
    remake_control(one, psk)
remake_exchange(vectors["leading zero"])
check("plain", vectors["plain"], {"limits": wire.lp(bytes.fromhex(vectors["plain"]["P"]))})
print(json.dumps(vectors, indent=1, ensure_ascii=False) if "--fill" in sys.argv else count)
