"""A reader of export packages by somebody who has docs/package-format.md and nothing else of the program.

usage: reader.py PACKAGE [FINGERPRINT]

Opens a zip, a folder, or the first of several volumes; checks what the document says can be checked; writes each
record as one line `collection<TAB>line`, and on the last line a summary as JSON. What is wrong ends it with 1.
Needs the standard library, and openssl for the signature.
"""
import base64, csv, hashlib, io, json, os, re, subprocess, sys, tempfile, zipfile


def wrong(what):
    sys.exit("wrong: " + what)


def volumes(path):
    """The volumes are the package's bytes cut in pieces, NAME.001, NAME.002 and so on."""
    name, number, whole = path[:-4], 1, tempfile.TemporaryFile()
    while os.path.exists(f"{name}.{number:03}"):
        with open(f"{name}.{number:03}", "rb") as part:
            whole.write(part.read())
        number += 1
    return whole


def files_of(path):
    """Path within the package's own folder, and what opens it."""
    if os.path.isdir(path):
        for folder, _, names in os.walk(path):
            for name in names:
                at = os.path.join(folder, name)
                yield os.path.relpath(at, path).replace(os.sep, "/"), lambda at=at: open(at, "rb")
        return
    package = zipfile.ZipFile(volumes(path) if path.endswith(".001") else path)
    for entry in package.infolist():
        if not entry.is_dir():
            yield entry.filename.split("/", 1)[1], lambda entry=entry: package.open(entry)


def manifest(text):
    lines = [re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line) for line in text.splitlines()]
    if None in lines:
        wrong("a manifest has a line that is none")
    return {line[2]: line[1] for line in lines}


def read(files, path):
    if path not in files:
        wrong(f"{path} is missing")
    with files[path]() as content:
        return content.read()


def main(path, expected=None):
    files = dict(files_of(path))
    payload = {name for name in files if name.startswith("data/")}
    beside = {"tagmanifest-sha256.txt.sig", "tagmanifest-sha256.txt.sshsig", "signer.pub", "signer.pem"}
    tags = set(files) - payload - beside - {"tagmanifest-sha256.txt"}

    if read(files, "bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        wrong("bagit.txt")
    size = 0
    for listing, present in (("tagmanifest-sha256.txt", tags), ("manifest-sha256.txt", payload)):
        listed = manifest(read(files, listing).decode())
        if set(listed) != present:
            wrong(f"{listing} and what is there differ: {sorted(set(listed) ^ present)}")
        for name, sum_ in listed.items():
            hash_ = hashlib.sha256()
            with files[name]() as content:
                while chunk := content.read(1 << 20):
                    hash_.update(chunk)
                    size += len(chunk) if name in payload else 0
            if hash_.hexdigest() != sum_:
                wrong(f"{name} was changed")

    info = dict(line.split(": ", 1) for line in read(files, "bag-info.txt").decode().splitlines())
    if info["Payload-Oxum"] != f"{size}.{len(payload)}":
        wrong("Payload-Oxum")

    signer = info.get("Signed-By")
    if signer is not None:
        key = base64.b64decode(read(files, "signer.pub").split()[1])
        fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
        if fingerprint != signer:
            wrong("signer.pub is not the key of Signed-By")
        # The last 32 bytes of the SSH form are the key itself, and so are those of the PEM.
        pem = b"".join(read(files, "signer.pem").splitlines()[1:-1])
        if base64.b64decode(pem)[-32:] != key[-32:]:
            wrong("signer.pem is another key")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("signer.pem", "tagmanifest-sha256.txt", "tagmanifest-sha256.txt.sig"):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(read(files, name))
            verify = "pkeyutl -verify -pubin -inkey signer.pem -rawin -in tagmanifest-sha256.txt -sigfile tagmanifest-sha256.txt.sig"
            if subprocess.run(["openssl", *verify.split()], cwd=folder, capture_output=True).returncode != 0:
                wrong("the signature is not one of this tag manifest")
    if expected is not None and signer != expected:
        wrong(f"signed by {signer}")

    processing = json.loads(read(files, "data/processing.json"))
    rows = 0
    for collection in processing["collections"]:
        columns = list(json.loads(read(files, collection["schema"]))["properties"])
        count = 0
        with files[collection["file"]]() as content:
            for line in content:
                if not line.endswith(b"\n") or list(json.loads(line)) != columns:
                    wrong(f"{collection['file']}, line {count + 1}")
                print(collection["name"], line.decode().rstrip("\n"), sep="\t")
                count += 1
        with files[collection["table"]]() as content:
            table = list(csv.reader(io.TextIOWrapper(content, "utf-8-sig", newline="")))
        if count != collection["rows"] or len(table) != count + 1 or table[0] != columns:
            wrong(f"{collection['name']} has not as many records as it says")
        rows += count
    index = [json.loads(line) for line in read(files, "data/files/index.jsonl").splitlines()]
    for entry in index:
        if entry["file"] is not None and hashlib.sha256(read(files, entry["file"])).hexdigest() != entry["sha256"]:
            wrong(f"{entry['file']} is not what the index says")
    if rows != int(info["Record-Count"]) or len([e for e in index if e["file"]]) != int(info["File-Count"]):
        wrong("Record-Count or File-Count")
    kept = read(files, "data/redactions.jsonl").splitlines() if "data/redactions.jsonl" in files else []
    if len(kept) != int(info.get("Redaction-Count", 0)):
        wrong("Redaction-Count")
    print(json.dumps({"package": processing["packageId"], "records": rows, "files": len(index), "signer": signer}))


csv.field_size_limit(sys.maxsize)
main(*sys.argv[1:])
