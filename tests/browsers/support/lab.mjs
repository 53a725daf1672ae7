// Publishers and viewers that a test makes as it likes, inside one page of a browser: with any
// encodings, codecs, header extensions and transforms of frames.
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';

import {until} from './measure.mjs';

const kRoot = fileURLToPath(new URL('../../../web/dist', import.meta.url));
const kWorker = fileURLToPath(new URL('./frame_worker.js', import.meta.url));
const kTypes = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'};
const kHeadersPassed = ['content-type', 'location', 'retry-after'];

/** The page, without its content security policy and with a worker more, in front of a relay. */
export async function serveLab(relay) {
  const server = createServer(async (request, response) => {
    try {
      if (/^\/(whip|whep|v1)\//.test(request.url)) return await proxy(relay, request, response);
      const path = new URL(request.url, 'http://localhost').pathname;
      const file = path === '/frame_worker.js' ? kWorker : join(kRoot, normalize(path === '/' ? '/index.html' : path));
      const body = await readFile(file);
      response.writeHead(200, {'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream'}).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

async function proxy(relay, request, response) {
  const body = [];
  for await (const part of request) body.push(part);
  const answer = await fetch(`${relay}${request.url}`, {
    method: request.method,
    headers: {'Content-Type': request.headers['content-type'] ?? 'application/sdp'},
    body: body.length > 0 ? Buffer.concat(body) : undefined,
  });
  const headers = kHeadersPassed.flatMap((name) => (answer.headers.has(name) ? [[name, answer.headers.get(name)]] : []));
  response.writeHead(answer.status, Object.fromEntries(headers)).end(Buffer.from(await answer.arrayBuffer()));
}

/** Runs inside the page, before its own scripts. */
function install() {
  const parties = {};
  let frameWorker;
  const kDescriptor = 'dependency-descriptor-rtp-header-extension';

  function worker() {
    if (!frameWorker) {
      frameWorker = new Worker('/frame_worker.js');
      frameWorker.onmessage = ({data}) => {
        const party = parties[data.name];
        if (party) party.passed[data.kind] = data;
      };
    }
    return frameWorker;
  }

  /** Puts the worker between codec and packets of one sender or receiver. */
  function attach(end, name, kind, codec, {streams, scrambles, clear}) {
    const options = {name, kind, clear, codec: scrambles ? codec : undefined};
    if (!streams) return void (end.transform = new RTCRtpScriptTransform(worker(), options));
    const {readable, writable} = end.createEncodedStreams();
    worker().postMessage({readable, writable, options}, [readable, writable]);
  }

  function newParty(name, transform) {
    const connection = new RTCPeerConnection({
      bundlePolicy: 'max-bundle',
      ...(transform?.streams ? {encodedInsertableStreams: true} : {}),
    });
    return (parties[name] = {connection, passed: {}});
  }

  function prefer(transceiver, ends, codec) {
    const isKept = ({mimeType}) => [`video/${codec}`, 'video/rtx'].some((type) => type.toLowerCase() === mimeType.toLowerCase());
    transceiver.setCodecPreferences(ends.getCapabilities('video').codecs.filter(isKept));
  }

  function negotiateDescriptor(transceiver) {
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of extensions) {
      if (extension.uri.endsWith(kDescriptor)) extension.direction = 'sendrecv';
    }
    transceiver.setHeaderExtensionsToNegotiate(extensions);
  }

  /** On a slow machine there are fewer pictures, not smaller ones. */
  function keepSize(sender) {
    return sender.setParameters({...sender.getParameters(), degradationPreference: 'maintain-resolution'});
  }

  /** The answer, with one candidate: this port of this machine. */
  function through(port, answer) {
    let kept = false;
    const lines = answer.split('\r\n').flatMap((line) => {
      if (!line.startsWith('a=candidate:')) return [line];
      if (kept || !/ udp /i.test(line)) return [];
      kept = true;
      const fields = line.split(' ');
      [fields[4], fields[5]] = ['127.0.0.1', `${port}`];
      return [fields.join(' ')];
    });
    return lines.join('\r\n');
  }

  async function join(party, path, port) {
    const {connection} = party;
    await connection.setLocalDescription();
    const sdp = connection.localDescription.sdp;
    const headers = {'Content-Type': 'application/sdp'};
    const response = await fetch(path, {method: 'POST', headers, body: sdp});
    const answer = await response.text();
    if (response.status !== 201) throw new Error(`${response.status} ${answer}`);
    party.location = response.headers.get('Location');
    party.offersDescriptor = sdp.includes(kDescriptor);
    party.agreedOnDescriptor = answer.includes(kDescriptor);
    await connection.setRemoteDescription({type: 'answer', sdp: port ? through(port, answer) : answer});
  }

  async function publish({name, room, codec, size, encodings, transform, descriptor, port, microphone}) {
    const party = newParty(name, transform);
    party.picture = new window.simpul.TestPicture(size, name);
    const {stream} = party.picture;
    const [video] = stream.getVideoTracks();
    let [audio] = stream.getAudioTracks();
    if (microphone) [audio] = (await navigator.mediaDevices.getUserMedia({audio: true})).getAudioTracks();
    for (const track of [audio, video]) {
      const isVideo = track === video;
      const transceiver = party.connection.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(isVideo && encodings ? {sendEncodings: encodings} : {}),
      });
      if (isVideo) prefer(transceiver, RTCRtpSender, codec);
      if (isVideo && descriptor) negotiateDescriptor(transceiver);
      if (transform) attach(transceiver.sender, name, track.kind, isVideo ? codec : 'opus', transform);
      if (isVideo) await keepSize(transceiver.sender);
    }
    await join(party, `/whip/${room}`, port);
  }

  async function watch({name, room, layer, codec, transform, descriptor, port, bufferMs}) {
    const party = newParty(name, transform);
    const stream = new MediaStream();
    for (const kind of ['audio', 'video']) {
      const transceiver = party.connection.addTransceiver(kind, {direction: 'recvonly'});
      if (kind === 'video' && descriptor) negotiateDescriptor(transceiver);
      if (transform) attach(transceiver.receiver, name, kind, kind === 'video' ? codec : 'opus', transform);
      if (bufferMs) transceiver.receiver.jitterBufferTarget = bufferMs;
      stream.addTrack(transceiver.receiver.track);
    }
    const element = document.createElement('video');
    Object.assign(element, {autoplay: true, muted: true, playsInline: true, srcObject: stream});
    document.body.prepend(element);
    party.element = element;
    party.marker = new window.simpul.MarkerWatcher(element);
    void element.play().catch(() => {});
    await join(party, `/whep/${room}${layer ? `?layer=${layer}` : ''}`, port);
  }

  /** What a party knows of itself at one moment. */
  async function look(name) {
    const {connection, marker, passed, offersDescriptor, agreedOnDescriptor} = parties[name];
    const seen = {at: performance.now(), state: connection.connectionState, offersDescriptor, agreedOnDescriptor, video: {}, audio: {}};
    seen.passed = structuredClone(passed);
    Object.assign(seen, {advances: 0, unreadable: 0}, marker?.tally);
    const all = await connection.getStats();
    const sums = ['framesEncoded', 'keyFramesEncoded', 'pliCount', 'nackCount', 'retransmittedPacketsSent'];
    all.forEach((entry) => {
      const into = seen[entry.kind];
      if (entry.type === 'inbound-rtp') {
        Object.assign(into, JSON.parse(JSON.stringify(entry)));
        into.codec = all.get(entry.codecId)?.mimeType.split('/')[1] ?? '';
      }
      if (entry.type === 'outbound-rtp') {
        for (const key of sums) into[key] = (into[key] ?? 0) + (entry[key] ?? 0);
        into.codec = all.get(entry.codecId)?.mimeType.split('/')[1] ?? into.codec;
      }
    });
    return seen;
  }

  async function leave(name) {
    const party = parties[name];
    delete parties[name];
    party.connection.close();
    party.picture?.stop();
    party.marker?.stop();
    party.element?.remove();
    if (party.location) await fetch(party.location, {method: 'DELETE'}).catch(() => {});
  }

  async function stop() {
    for (const name of Object.keys(parties)) await leave(name);
    frameWorker?.terminate();
    frameWorker = undefined;
  }

  function capabilities() {
    const names = (of) => of.getCapabilities('video').codecs.map(({mimeType}) => mimeType.split('/')[1].toUpperCase());
    return {sends: names(RTCRtpSender), receives: names(RTCRtpReceiver)};
  }

  window.lab = {publish, watch, look, leave, stop, capabilities};
}

/** One page of a browser, with whoever the test puts into it. */
export async function openLab(browser, site) {
  const page = await browser.page();
  await page.beforeLoad(install);
  await page.open(site.address);
  await until('the page', () => page.evaluate(() => Boolean(window.lab && window.simpul)));
  return {
    publish: (options) => page.evaluate((argument) => window.lab.publish(argument), options),
    watch: (options) => page.evaluate((argument) => window.lab.watch(argument), options),
    look: (name) => page.evaluate((argument) => window.lab.look(argument), name),
    leave: (name) => page.evaluate((argument) => window.lab.leave(argument), name),
    stop: () => page.evaluate(() => window.lab.stop()),
    capabilities: await page.evaluate(() => window.lab.capabilities()),
  };
}
