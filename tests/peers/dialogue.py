"""How a peer program talks: to the test by lines of JSON, to the relay by WHIP and WHEP."""
import json
import re
import sys
import traceback
import urllib.error
import urllib.request
from urllib.parse import urljoin

LIMIT_S = 60  # a hang, not a promise


def requests():
    """What the test asks for, until it has no more."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(request, result):
    print(json.dumps({'id': request['id'], 'result': result}), flush=True)


def fail(request, error):
    traceback.print_exception(error)
    print(json.dumps({'id': request['id'], 'error': f'{type(error).__name__}: {error}'}), flush=True)


def in_role(offer, passive):
    """The offer as it is, or as that of a peer which insists on being the DTLS server."""
    return offer.replace('a=setup:actpass', 'a=setup:passive') if passive else offer


def redirected(description, path):
    """The relay's answer with all of its candidates at one other address, "IP:PORT"."""
    if not path:
        return description
    ip, port = path.rsplit(':', 1)
    kept = re.sub(r'(?m)^(a=candidate:\S+ 1 udp \d+) \S+ \d+ ', rf'\1 {ip} {port} ', description)
    return re.sub(r'(?m)^a=candidate:\S+ 1 tcp .*\r?\n', '', kept)


def setup_of(description):
    return re.search(r'a=setup:(\w+)', description).group(1)


def join(url, offer):
    """Posts an offer. Returns the answer and the address of the session."""
    request = urllib.request.Request(
        url, data=offer.encode(), method='POST', headers={'Content-Type': 'application/sdp'})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            return response.read().decode(), urljoin(url, response.headers['Location'])
    except urllib.error.HTTPError as error:
        raise RuntimeError(f'{error.code} {error.read().decode()}') from error


def leave(session_url):
    request = urllib.request.Request(session_url, method='DELETE')
    with urllib.request.urlopen(request, timeout=LIMIT_S):
        pass
