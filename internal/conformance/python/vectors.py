"""Makes every session of the vectors again, and prints how many values were compared; the first that differs is an error."""

import json
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire


def compare(session, values):
    for name, value in values.items():
        if session[name] != value.hex():
            raise SystemExit(f"{session['name']}: {name} is {value.hex()}, the vectors have {session[name]}")
    return len(values)


def remake(session):
    item = {name: bytes.fromhex(value) for name, value in session.items() if isinstance(value, str) and name not in ("name", "about")}
    client, client_key = wire.key_pair(item["client private key"])
    _, server_key = wire.key_pair(item["server private key"])
    x = wire.shared_x(client, server_key)
    key = wire.golang_ipc_key(x)
    nonce = item["limits nonce"]
    limits = wire.lp(nonce + AESGCM(key).encrypt(nonce, item["P"], None))
    select = wire.make_select(item["select"][0] & 7, wire.CONTROL_FRAMES, struct.unpack(">I", item["select"][5:])[0])
    th = wire.transcript_hash(item["hello"], item["reply"], client_key, server_key, limits, select)
    prk = wire.extract(th, x, item.get("psk"))
    values = {"client key": client_key, "server key": server_key, "X": x, "golang-ipc key": key, "limits": limits}
    values |= {"select": select, "TH": th, "PRK": prk, "exporter": wire.expand(prk, b"exporter", 32)}
    count = 0
    for side, role, bit in ((b"c", "client", wire.CLIENT_SIGNS), (b"s", "server", wire.SERVER_SIGNS)):
        direction = wire.Direction(prk, side, session["rekey interval"])
        letter = side.decode()
        values |= {f"{letter} key": direction.key, f"{letter} iv": direction.iv, f"{letter} auth": direction.auth}
        identity = wire.make_identity(role.encode(), item[f"{role} seed"], th) if select[0] & bit else b""
        for record in session[f"{role} records"]:
            plaintext = bytes.fromhex(record["plaintext"])
            if record["kind"] == wire.AUTH and plaintext != wire.make_auth(direction.auth, th, identity):
                raise SystemExit(f"{session['name']}: the AUTH of the {role} differs")
            if direction.seal(record["kind"], plaintext).hex() != record["record"]:
                raise SystemExit(f"{session['name']}: record {record['seq']} of the {role} differs")
            count += 1
    return count + compare(session, values)


def remake_control(vector, session):
    """Seals a control frame as the first DATA of both sides, and answers it."""
    frame = bytes.fromhex(vector["frame"])
    data = frame[8:]
    if frame != wire.lp(bytes(4) + data):
        raise SystemExit(f"{vector['about']}: not a frame of type 0")
    answer = wire.answer_control(data)
    if (None if answer is None else wire.lp(bytes(4) + answer).hex()) != vector.get("answer"):
        raise SystemExit(f"{vector['about']}: the answer differs")
    prk = bytes.fromhex(session["PRK"])
    for side, role in ((b"c", "client"), (b"s", "server")):
        direction = wire.Direction(prk, side)
        direction.seal(wire.AUTH, bytes.fromhex(session[f"{role} records"][0]["plaintext"]))
        if direction.seal(wire.DATA, frame).hex() != vector[f"{role} record"]:
            raise SystemExit(f"{vector['about']}: the {role} record differs")
    return 4


vectors = json.load(sys.stdin)
psk = next(session for session in vectors["sessions"] if session["name"] == "psk")
print(sum(map(remake, vectors["sessions"])) + sum(remake_control(vector, psk) for vector in vectors["control frames"]))
