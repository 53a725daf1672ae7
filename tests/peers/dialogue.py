"""How a peer program talks: to the test by lines of JSON, to the relay by WHIP and WHEP."""
import json
import re
import sys
import threading
import traceback
import urllib.error
import urllib.request
from urllib.parse import urljoin

LIMIT_S = 60  # a hang, not a promise
END_OF_CANDIDATES = 'a=end-of-candidates'
# Sessions answer from threads of their own, and print() writes the end of a line by itself.
WHOLE_LINES = threading.Lock()


def requests():
    """What the test asks for, until it has no more."""
    for line in sys.stdin:
        yield json.loads(line)


def tell(message):
    with WHOLE_LINES:
        print(json.dumps(message), flush=True)


def answer(request, result):
    tell({'id': request['id'], 'result': result})


def fail(request, error):
    traceback.print_exception(error)
    tell({'id': request['id'], 'error': f'{type(error).__name__}: {error}'})


def in_role(offer, passive):
    """The offer as it is, or as that of a peer which insists on being the DTLS server."""
    return offer.replace('a=setup:actpass', 'a=setup:passive') if passive else offer


def without_candidates(description, transport='.*'):
    """A description without its candidates, or without those of one transport."""
    return re.sub(rf'(?mi)^a=candidate:\S+ \d+ {transport} .*\r?\n', '', description)


def redirected(description, request):
    """The relay's answer with all of its candidates at one other address ("path", IP:PORT), or with
    those over TCP only ("tcp")."""
    if request.get('tcp'):
        return without_candidates(description, 'udp')
    if not request.get('path'):
        return description
    ip, port = request['path'].rsplit(':', 1)
    kept = re.sub(r'(?m)^(a=candidate:\S+ 1 udp \d+) \S+ \d+ ', rf'\1 {ip} {port} ', description)
    return without_candidates(kept, 'tcp')


def candidate_kinds(lines):
    """What candidates go over: "udp", "tcp active", "tcp passive"."""
    found = [re.search(r'candidate:\S+ \d+ (\S+) .*?(?:tcptype (\S+))?$', line.strip()) for line in lines]
    return sorted({' '.join(filter(None, kind.groups())).lower() for kind in found if kind})


def setup_of(description):
    return re.search(r'a=setup:(\w+)', description).group(1)


def join(url, offer):
    """Posts an offer. Returns the answer, the address of the session and the tag of its ICE session."""
    request = urllib.request.Request(
        url, data=offer.encode(), method='POST', headers={'Content-Type': 'application/sdp'})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            session_url = urljoin(url, response.headers['Location'])
            return response.read().decode(), session_url, response.headers['ETag']
    except urllib.error.HTTPError as error:
        raise RuntimeError(f'{error.code} {error.read().decode()}') from error


def trickle(session_url, tag, offer, line):
    """Tells one candidate of the first section (RFC 9725 §4.3.2, RFC 8840 §9). Returns the status."""
    head = re.findall(r'(?m)^(?:a=group:BUNDLE|a=mid:|a=ice-(?:ufrag|pwd):|m=).*$', offer)
    kept = {}  # the first of each kind: of the section that a bundle's transport is
    for told in head:
        kept.setdefault(re.match(r'm=|a=[^:]*:', told).group(), told.strip())
    order = ('a=group:', 'm=', 'a=mid:', 'a=ice-ufrag:', 'a=ice-pwd:')
    body = ''.join(f'{text}\r\n' for text in [*(kept[name] for name in order), line])
    request = urllib.request.Request(session_url, data=body.encode(), method='PATCH', headers={
        'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': tag})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            return response.status
    except urllib.error.HTTPError as error:
        raise RuntimeError(f'{error.code} {error.read().decode()} to\n{body}') from error


def leave(session_url):
    request = urllib.request.Request(session_url, method='DELETE')
    with urllib.request.urlopen(request, timeout=LIMIT_S):
        pass
