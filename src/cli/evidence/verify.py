#!/usr/bin/env python3
"""Checks an evidence pack with the standard library and openssl 3: python3 verify.py PACK [KEY].

KEY is the ledger's key as `name+id+base64`; take it from where you trust it. Without it the pack's own is used, which
shows that the pack fits together, and not whose it is. Take this script from where you trust it, too.
"""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def fail(problem):
    sys.exit(f"NOT VERIFIED: {problem}")


def text_of(path):
    """Exact text: no newline is translated."""
    return path.read_bytes().decode("utf-8")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def open_checkpoint(note, key):
    """Origin, size and root of a signed checkpoint."""
    name, key_id, encoded = key.split("+", 2)
    public = base64.b64decode(encoded)
    if public[:1] != b"\x01" or sha256(name.encode(), b"\n", public)[:4].hex() != key_id:
        fail("the key is not an Ed25519 key of that name")
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, encoded = line.split(" ", 2)
        signature = base64.b64decode(encoded)
        if dash == "\u2014" and signer == name and signature[:4].hex() == key_id:
            break
    else:
        fail("the checkpoint is not signed by the key")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "signed").write_bytes(text.encode())
        (folder / "signature").write_bytes(signature[4:])
        (folder / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + public[1:])
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"]
        command += ["-inkey", folder / "key", "-in", folder / "signed", "-sigfile", folder / "signature"]
        try:
            checked = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            sys.exit("not checked: there is no openssl on this machine")
    if "Signature Verification Failure" in checked.stdout + checked.stderr:
        fail("the signature of the checkpoint is wrong")
    if checked.returncode != 0:
        sys.exit(f"not checked: openssl 3 is needed\n{checked.stderr}")
    origin, size, root = text.splitlines()[:3]
    if origin != name:
        fail("the checkpoint is another ledger's")
    return int(size), base64.b64decode(root)


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    if index >= size or any(len(sibling) != 32 for sibling in path):
        fail(f"the proof of record {index} is none")
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            fail(f"the proof of record {index} is too long")
        if node & 1 or node == last:
            root = sha256(b"\x01", sibling, root)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            root = sha256(b"\x01", root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        fail(f"the proof of record {index} is too short")
    return root


def check_record(line, record, pack, note, size, root):
    position = record["position"]
    proof = text_of(pack / "proofs" / f"{position}.tlog-proof")
    head, _, checkpoint = proof.partition("\n\n")
    header, index, *path = head.split("\n")
    if header != "c2sp.org/tlog-proof@v1" or index != f"index {position}" or checkpoint != note:
        fail(f"the proof of record {position} is for something else")
    path = [base64.b64decode(hash) for hash in path]
    if root_of(sha256(b"\x00", line), position, size, path) != root:
        fail(f"record {position} is not in the ledger")


def check_records(records, about):
    """The ledger's opening first, one customer, none missing, none from after the moment; the rulebook in force."""
    version, before, rulebook, in_force, of_ledger, whole = 0, -1, None, None, 0, True
    at, through = about["at"], about["through_position"]
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", at):
        fail("the moment is no instant")
    if through is not None and type(through) is not int:
        fail("through_position is no position")
    for record in records:
        position = record["position"]
        if position <= before:
            fail(f"record {position} is not in its order")
        before = position
        if record["subject"]["kind"] == "customer":
            if record["subject"]["id"] != about["customer"]:
                fail(f"record {position} is about another customer")
            version += 1
            if record["version"] != version:
                fail(f"before record {position} some about the customer are missing")
        else:
            of_ledger += 1
            whole = whole and record["version"] == of_ledger
        if record["type"] == "ledger.opened.v1":
            in_force = record["data"]["rulebook"]
            rulebook = in_force["digest"]
        elif record["type"] == "rulebook.adopted.v1":
            in_force = record["data"]
            rulebook = in_force["digest"]
        policy = record["policy"]
        if in_force and (policy["rulebook"], policy["version"]) != (in_force["name"], in_force["version"]):
            fail(f"before record {position} one that put a rulebook in force is missing")
        if record["recorded_at"] > at or through is not None and position > through:
            fail(f"record {position} is from after the moment")
    if records[0]["type"] != "ledger.opened.v1" or not version:
        fail("the ledger's opening or the customer's records are missing")
    return rulebook, in_force, whole


def check_about(about, records, in_force, origin):
    """What evidence.json says besides what was on record and the answer."""
    members = "format ledger customer account at through_position rulebook records question answer under_gag_order standing"
    if set(about) != set(members.split()) or about["format"] != "consent-ledger-evidence-1":
        fail("evidence.json is of another form")
    rulebook = {"name": in_force["name"], "version": in_force["version"]}
    if (about["ledger"], about["records"], about["rulebook"]) != (origin, len(records), rulebook):
        fail("evidence.json is about other records")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    pack = pathlib.Path(sys.argv[1])
    trusted = len(sys.argv) > 2
    key = sys.argv[2] if trusted else text_of(pack / "key").strip()
    note = text_of(pack / "checkpoint")
    size, root = open_checkpoint(note, key)
    about = json.loads(text_of(pack / "evidence.json"))
    lines = (pack / "records.ndjson").read_bytes().rstrip(b"\n").split(b"\n")
    records = [json.loads(line) for line in lines]
    for line, record in zip(lines, records):
        check_record(line, record, pack, note, size, root)
    rulebook, in_force, whole = check_records(records, about)
    check_about(about, records, in_force, key.split("+")[0])
    if records[0]["data"]["checkpoint_key"] != key:
        fail("the ledger's first record names another key")
    if hashlib.sha256((pack / "rulebook.toml").read_bytes()).hexdigest() != rulebook:
        fail("rulebook.toml is not the rulebook in force")
    by_position = {record["position"]: record for record in records}
    for line in text_of(pack / "openings.ndjson").split("\n"):
        if not line:
            continue
        opening = json.loads(line)
        sealed = by_position[opening["position"]]["sealed"][opening["field"]]
        salt = bytes.fromhex(opening["salt"])
        # Exactly so long: what is moved between salt and text has the same commitment.
        if len(salt) != 32 or base64.b64decode(sealed[0]) != sha256(b"\x02", salt, opening["text"].encode()):
            fail(f"a text of record {opening['position']} is not what was sealed")
    print(f"verified {len(records)} records, among the {size} of {key.split('+')[0]}")
    if whole:
        print("none about the ledger is missing between the first and the last of them")
    print("not checked: what evidence.json says was on record, and its answer")
    if not trusted:
        print("by the pack's own key: whose it is was not checked")


main()
