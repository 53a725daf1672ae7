"""Janus with its videoroom, as the distribution ships it, behind WHIP and WHEP.

simpul-load speaks these two; a gateway in this process turns its requests into those of Janus'
HTTP API. A subscriber of the videoroom is offered to, while WHEP's client offers: the gateway hands
Janus' offer out as the answer, and gives Janus the client's offer as its answer. Media goes between
Janus and simpul-load directly.
"""
import http.server
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from bench.figures import machine

MODULES = pathlib.Path("/usr/lib/x86_64-linux-gnu/janus")
ROOM = 1234
CONFIG = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{modules}/plugins"
  transports_folder = "{modules}/transports"
  events_folder = "{modules}/events"
  loggers_folder = "{modules}/loggers"
  debug_level = 2
  session_timeout = 0
}}
plugins: {{ disable = "{others}" }}
transports: {{ disable = "{transports}" }}
"""
HTTP_CONFIG = """
general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1"
  https = false }}
admin: {{ admin_http = false admin_https = false }}
"""
ANSWERED = "a=setup:active"
# Its checks tell where the client is; a description without any candidate is not taken.
SOMEWHERE = "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"


class Janus:
    """Runs while the `with` block does; `port` is that of WHIP and WHEP."""

    def __enter__(self):
        program = shutil.which("janus")
        if not program:
            raise RuntimeError("Janus is not installed: apt-get install janus")
        self._folder = tempfile.TemporaryDirectory(prefix="simpul-bench-janus-")
        folder = pathlib.Path(self._folder.name)
        api_port, _ = machine.free_ports()
        (folder / "janus.jcfg").write_text(CONFIG.format(
            folder=folder, modules=MODULES, others=others("plugins", "videoroom"),
            transports=others("transports", "http")))
        (folder / "janus.transport.http.jcfg").write_text(HTTP_CONFIG.format(port=api_port))
        (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
        with open(folder / "log", "w", encoding="utf-8") as log:
            self._process = subprocess.Popen([program, "-F", str(folder)],
                                             stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        self.pid = self._process.pid
        self._api = f"http://127.0.0.1:{api_port}/janus"
        self._numbers = itertools.count(1)
        self._feeds = {}
        try:
            self._begin()
        except BaseException:  # nobody calls __exit__ then
            self.__exit__()
            raise
        return self

    def _begin(self):
        self._wait_for_api()
        self._session = self._post("", {"janus": "create"})["data"]["id"]
        room = self._attach()
        self._post(f"/{self._session}/{room}", {"janus": "message", "body": {
            "request": "create", "room": ROOM, "publishers": 100, "bitrate": 0,
            "audiocodec": "opus", "videocodec": "vp8"}})
        self._serve()

    def __exit__(self, *_):
        if hasattr(self, "_server"):
            self._server.shutdown()
            self._server.server_close()
        machine.end_process(self._process)
        self._folder.cleanup()

    def cpu_seconds(self):
        return machine.cpu_seconds(self.pid)

    def _wait_for_api(self):
        end = time.monotonic() + 20
        while True:
            try:
                return urllib.request.urlopen(self._api + "/info", timeout=5).close()
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    log = pathlib.Path(self._folder.name, "log").read_text(errors="replace")
                    raise RuntimeError("Janus did not start: " + log[-500:]) from None
                time.sleep(0.1)

    def _post(self, path, body):
        body["transaction"] = str(next(self._numbers))
        request = urllib.request.Request(self._api + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=machine.PATIENCE) as response:
            return json.load(response)

    def _attach(self):
        return self._post(f"/{self._session}",
                          {"janus": "attach", "plugin": "janus.plugin.videoroom"})["data"]["id"]

    def _ask(self, handle, body, jsep=None):
        """The event that answers a message."""
        message = {"janus": "message", "body": body}
        if jsep:
            message["jsep"] = jsep
        self._post(f"/{self._session}/{handle}", message)
        while True:
            with urllib.request.urlopen(f"{self._api}/{self._session}?maxev=1",
                                        timeout=machine.PATIENCE) as response:
                event = json.load(response)
            if event.get("janus") == "event" and event.get("sender") == handle:
                data = event["plugindata"]["data"]
                if "error" in data:
                    raise RuntimeError(f"Janus: {data['error']}")
                return event

    def publish(self, name, offer):
        """The answer to a publisher's offer."""
        feed = len(self._feeds) + 1
        event = self._ask(self._attach(), {"request": "joinandconfigure", "ptype": "publisher",
                                           "room": ROOM, "id": feed},
                          {"type": "offer", "sdp": offer.replace("actpass", "active")})
        self._feeds[name] = feed
        return event["jsep"]["sdp"]

    def watch(self, name, offer):
        """Janus' own offer, which answers the one of somebody who watches."""
        handle = self._attach()
        event = self._ask(handle, {"request": "join", "ptype": "subscriber", "room": ROOM,
                                   "streams": [{"feed": self._feeds[name]}]})
        self._ask(handle, {"request": "start"}, {"type": "answer", "sdp": as_answer(offer)})
        return event["jsep"]["sdp"]

    def _serve(self):
        janus = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                target = urllib.parse.urlparse(self.path)
                name = urllib.parse.parse_qs(target.query)["participant"][0]
                offer = self.rfile.read(int(self.headers["Content-Length"])).decode()
                act = janus.publish if target.path.startswith("/whip/") else janus.watch
                try:
                    self._answer(201, act(name, offer))
                except (RuntimeError, KeyError) as error:
                    # A publisher is known when media can flow: who watches asks again.
                    self._answer(409 if "No such feed" in str(error) else 500, str(error))

            def do_DELETE(self):
                self._answer(200, "")

            def _answer(self, status, text):
                self.send_response(status)
                self.send_header("Location", "/session")
                self.send_header("Content-Type", "application/sdp")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def local_address():
    """Janus has no candidate on loopback. What two programs of one machine send one another stays
    on it, whatever address they use."""
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True,
                               check=True).stdout.split()
    for address in addresses:
        if "." in address:
            return address
    raise RuntimeError("Janus needs a network interface with an IPv4 address besides loopback")


def others(kind, wanted):
    names = (path.name.split(".so")[0] + ".so" for path in (MODULES / kind).iterdir())
    return ",".join(sorted({name for name in names if wanted not in name}))


def as_answer(offer):
    """A client's offer as the answer to one of Janus': it does not use extensions."""
    lines = [ANSWERED if line.startswith("a=setup:") else line for line in offer.splitlines()
             if not re.match("a=extmap", line)]
    out = []
    for line in lines:
        out.append(line)
        if line.startswith("a=mid:"):
            out.append(SOMEWHERE)
    return "\r\n".join(out) + "\r\n"
