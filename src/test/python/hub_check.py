# SPDX-License-Identifier: Apache-2.0
"""Checks that blip2-hub and huggingface_hub share one cache, against a server on this machine that answers as the Hub does.

    python src/test/python/hub_check.py                  # runs bin/blip2 download
    python src/test/python/hub_check.py --fixture FILE   # also writes the cache of blip2-hub's test, as huggingface_hub made it

Needs huggingface_hub and transformers. No connection to any other machine is opened. Run by hand, as CI has no Python.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[3]
ID = "Salesforce/blip2-test"
LFS = (".safetensors", ".bin")


def git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer(content):
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()


class Hub:
    """Files of one repository at several commits; the content network is the same server under another name of this machine."""

    def __init__(self):
        self.files = {}
        self.commits = {}
        self.main = None
        self.requests = []
        self.pause = 0
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_HEAD(self):
                self.do_GET()

            def do_GET(self):
                hub.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = self.server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def commit(self, **changes):
        self.files |= changes.pop("files", {})
        self.main = hashlib.sha1(repr((len(self.commits), sorted(self.files))).encode()).hexdigest()
        self.commits[self.main] = dict(self.files)
        return self.main

    def answer(self, request):
        path = unquote(urlsplit(request.path).path)
        self.requests.append(f"{request.command} {path}")
        if match := re.fullmatch(rf"/api/models/{ID}/revision/(.+)", path):
            commit = self.main if match[1] == "main" else match[1]
            self.send_json(request, {"id": ID, "modelId": ID, "sha": commit, "siblings": [self.sibling(n, c) for n, c in self.commits[commit].items()]})
        elif match := re.fullmatch(rf"/api/models/{ID}/tree/(.+)", path):
            commit = self.main if match[1] == "main" else match[1]
            self.send_json(request, [self.entry(n, c) for n, c in self.commits[commit].items()])
        elif match := re.fullmatch(rf"/{ID}/resolve/([^/]+)/(.+)", path):
            self.resolve(request, self.main if match[1] == "main" else match[1], match[2])
        elif match := re.fullmatch(r"/cdn/([^/]+)/(.+)", path):
            self.send(request, self.commits[match[1]][match[2]], {})
        else:
            self.refuse(request, "RepoNotFound")

    def sibling(self, name, content):
        lfs = name.endswith(LFS)
        found = {"rfilename": name, "size": len(content), "blobId": git_hash(pointer(content) if lfs else content)}
        if lfs:
            found["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": len(pointer(content))}
        return found

    def entry(self, name, content):
        lfs = name.endswith(LFS)
        found = {"type": "file", "oid": git_hash(pointer(content) if lfs else content), "size": len(content), "path": name}
        if lfs:
            found["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": len(pointer(content))}
            found["xetHash"] = hashlib.sha256(b"xet" + content).hexdigest()
        return found

    def resolve(self, request, commit, name):
        content = self.commits[commit].get(name)
        if content is None:
            self.refuse(request, "EntryNotFound")
        elif name.endswith(LFS):
            request.send_response(302)
            request.send_header("X-Repo-Commit", commit)
            request.send_header("ETag", f'"{git_hash(pointer(content))}"')
            request.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
            request.send_header("X-Linked-Size", str(len(content)))
            request.send_header("X-Xet-Hash", hashlib.sha256(b"xet" + content).hexdigest())
            request.send_header("Location", f"http://localhost:{self.port}/cdn/{commit}/{name}?signature=x")
            request.send_header("Content-Length", "0")
            request.end_headers()
        else:
            self.send(request, content, {"X-Repo-Commit": commit, "ETag": f'"{git_hash(content)}"'})

    def send(self, request, content, headers):
        start = 0
        if given := request.headers.get("Range"):
            start = int(re.match(r"bytes=(\d+)-", given)[1])
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        if request.command == "GET":
            for at in range(start, len(content), 10_000):
                request.wfile.write(content[at : at + 10_000])
                time.sleep(self.pause)

    def send_json(self, request, value):
        body = json.dumps(value).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def refuse(self, request, code):
        request.send_response(404)
        request.send_header("X-Error-Code", code)
        request.send_header("Content-Length", "0")
        request.end_headers()


PYTHON = """
import json, sys
import huggingface_hub
arguments = json.loads(sys.argv[1])
if arguments["do"] == "snapshot":
    print(huggingface_hub.snapshot_download(arguments["id"], allow_patterns=arguments.get("files")))
elif arguments["do"] == "files":
    for name in arguments["files"]:
        print(huggingface_hub.hf_hub_download(arguments["id"], name))
elif arguments["do"] == "config":
    from transformers import AutoConfig
    print(AutoConfig.from_pretrained(arguments["id"]).model_type)
elif arguments["do"] == "scan":
    found = huggingface_hub.scan_cache_dir()
    assert not found.warnings, found.warnings
    (repository,) = found.repos
    print(*sorted(file.file_name for revision in repository.revisions for file in revision.files))
"""


class Check:
    def __init__(self, java, hub, folder):
        self.java = java
        self.hub = hub
        self.folder = folder

    def environment(self, offline):
        names = ("PATH", "HOME", "JAVA_HOME", "TMPDIR", "LANG")
        return {name: os.environ[name] for name in names if name in os.environ} | {
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HOME": str(self.folder),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        } | ({"HF_HUB_OFFLINE": "1"} if offline else {})

    def start(self, command, offline=False):
        return subprocess.Popen(command, env=self.environment(offline), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        out, err = process.communicate()
        if process.returncode:
            sys.exit(f"{process.args}: {process.returncode}\n{out}{err}")
        return out.strip()

    def python_command(self, do, **arguments):
        return [sys.executable, "-c", PYTHON, json.dumps({"do": do, "id": ID} | arguments)]

    def java_command(self):
        return [*self.java, ID]

    def python(self, do, offline=False, **arguments):
        return self.finish(self.start(self.python_command(do, **arguments), offline))

    def run_java(self, offline=False):
        return self.finish(self.start(self.java_command(), offline))

    def snapshot(self):
        return str(self.folder / "hub" / "models--Salesforce--blip2-test" / "snapshots" / self.hub.main)


def equal(got, expected, what):
    if got != expected:
        sys.exit(f"{what}: expected {expected!r}, got {got!r}")
    print(f"ok: {what}")


def right_blobs(check):
    blobs = check.folder / "hub" / "models--Salesforce--blip2-test" / "blobs"
    for path in blobs.iterdir():
        content = path.read_bytes()
        expected = hashlib.sha256(content).hexdigest() if len(path.name) == 64 else git_hash(content)
        equal(path.name, expected, f"blob {path.name[:8]} holds what its name says")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--java", default=f"{ROOT}/bin/blip2 download --yes", help="the command that gets the id as its last argument")
    parser.add_argument("--fixture", help="where to write the cache that huggingface_hub made, as .tar.gz")
    arguments = parser.parse_args()
    import huggingface_hub

    print(f"huggingface_hub {huggingface_hub.__version__}")
    hub = Hub()
    numbers = random.Random(7)
    hub.commit(files={
        "config.json": b'{"model_type": "blip-2"}',
        "generation_config.json": b'{"max_new_tokens": 20}',
        "preprocessor_config.json": b'{"size": {"height": 30, "width": 30}}',
        "tokenizer.json": b'{"version": "1.0"}',
        "README.md": b"# A model for tests",
        "model.safetensors": numbers.randbytes(3000),
    })
    needed = sorted(name for name in hub.files if name != "README.md")

    with tempfile.TemporaryDirectory() as scratch:
        check = Check(shlex.split(arguments.java), hub, Path(scratch).resolve() / "python-first")
        equal(check.python("snapshot"), check.snapshot(), "huggingface_hub wrote the cache")
        check.python("config")
        if arguments.fixture:
            with tarfile.open(arguments.fixture, "w:gz", format=tarfile.USTAR_FORMAT) as tar:
                tar.add(check.folder / "hub", "hub", filter=anonymous)
            print(f"wrote {arguments.fixture}")
        hub.requests.clear()
        equal(check.run_java(offline=True), check.snapshot(), "Java reads it offline")
        equal(hub.requests, [], "without a request")
        hub.commit(files={"config.json": b'{"model_type": "blip-2", "n": 2}'})
        equal(check.run_java(), check.snapshot(), "Java follows main")
        hub.requests.clear()
        equal(check.python("snapshot", offline=True, files=needed), check.snapshot(), "and huggingface_hub sees it offline")
        hub.commit(files={"config.json": b'{"model_type": "blip-2", "n": 3}'})
        equal(check.python("snapshot"), check.snapshot(), "huggingface_hub follows main")
        equal(check.run_java(offline=True), check.snapshot(), "and Java sees it offline")

        check = Check(check.java, hub, Path(scratch).resolve() / "java-first")
        equal(check.run_java(), check.snapshot(), "Java wrote the cache")
        hub.requests.clear()
        equal(check.python("snapshot", offline=True, files=needed), check.snapshot(), "huggingface_hub reads it offline")
        equal(check.python("files", offline=True, files=needed).split("\n"), [f"{check.snapshot()}/{name}" for name in needed], "and each file")
        equal(check.python("config", offline=True), "blip-2", "and transformers")
        equal(hub.requests, [], "without a request")
        equal(check.python("scan"), " ".join(needed), "huggingface_hub's scan finds nothing odd")
        right_blobs(check)
        equal(check.python("snapshot"), check.snapshot(), "huggingface_hub loads what else there is")
        equal([r for r in hub.requests if "/cdn/" in r], [], "and no weights again")

        check = Check(check.java, hub, Path(scratch).resolve() / "file-by-file")
        check.python("files", files=needed)
        hub.requests.clear()
        equal(check.run_java(offline=True), check.snapshot(), "Java reads what hf_hub_download wrote, which leaves no list of files")
        equal(hub.requests, [], "without a request")

        check = Check(check.java, hub, Path(scratch).resolve() / "both")
        hub.commit(files={"model.safetensors": numbers.randbytes(3_000_000)})
        hub.pause = 0.01
        both = [check.start(check.java_command()), check.start(check.python_command("snapshot"))]
        equal([check.finish(process) for process in both], [check.snapshot()] * 2, "both at once finish")
        right_blobs(check)


def anonymous(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry


if __name__ == "__main__":
    main()
