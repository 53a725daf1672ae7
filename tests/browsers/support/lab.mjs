// Publishers and viewers that a test makes as it likes, inside one page of a browser: with any
// encodings, codecs, header extensions and transforms of frames.
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';

import {installFrameLog} from './frame_log.mjs';
import {installLipSync} from './lip_sync.mjs';
import {until} from './measure.mjs';

const kRoot = fileURLToPath(new URL('../../../web/dist', import.meta.url));
const kScripts = ['frame_worker.js', 'beep_listener.js'];
const kTypes = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml'};
const kNoBody = 204;
const kHeadersPassed = ['content-type', 'location', 'retry-after'];

/** The page, without its content security policy and with some scripts more, in front of a relay. */
export async function serveLab(relay) {
  const server = createServer(async (request, response) => {
    try {
      if (/^\/(whip|whep|v1)\//.test(request.url)) return await proxy(relay, request, response);
      const path = new URL(request.url, 'http://localhost').pathname;
      const isOurs = kScripts.includes(path.slice(1));
      const file = isOurs
        ? fileURLToPath(new URL(`.${path}`, import.meta.url))
        : join(kRoot, normalize(path === '/' ? '/index.html' : path));
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
  const answered = answer.status === kNoBody ? undefined : Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, Object.fromEntries(headers)).end(answered);
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
  function attach(end, name, kind, codec, {streams, scrambles, clear, heldMs}) {
    const options = {name, kind, clear, heldMs: kind === 'video' ? heldMs : undefined, codec: scrambles ? codec : undefined};
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

  /** Opus, and nothing that repeats it. */
  function leaveOutRed(transceiver) {
    const isKept = ({mimeType}) => mimeType.toLowerCase() !== 'audio/red';
    transceiver.setCodecPreferences(RTCRtpReceiver.getCapabilities('audio').codecs.filter(isKept));
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

  /** Puts noise behind the test picture, without which encoders need far less than they may take. */
  function addNoise(picture, {width, height}) {
    const kPictures = 10;
    const kGrain = 2;
    const kContrast = 48;
    const {backdrop} = picture;
    const noisy = Array.from({length: kPictures}, () => {
      const grain = new OffscreenCanvas(width / kGrain, height / kGrain);
      const pixels = new ImageData(grain.width, grain.height);
      for (let i = 0; i < pixels.data.length; i += 4) {
        pixels.data.fill(Math.random() * kContrast, i, i + 3);
        pixels.data[i + 3] = 255;
      }
      grain.getContext('2d').putImageData(pixels, 0, 0);
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d', {alpha: false});
      context.drawImage(backdrop, 0, 0);
      context.globalCompositeOperation = 'lighter';
      context.drawImage(grain, 0, 0, width, height);
      return canvas;
    });
    let turn = 0;
    Object.defineProperty(picture, 'backdrop', {get: () => noisy[++turn % kPictures]});
  }

  async function publish({name, room, codec, size, encodings, transform, descriptor, port, microphone, noise, participant, flashes}) {
    const party = newParty(name, transform);
    party.picture = new window.simpul.TestPicture(size, name);
    if (noise) addNoise(party.picture, size);
    if (flashes) {
      party.sync = new window.MadeInSync();
      await party.sync.begin(party.picture);
    }
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
    await join(party, `/whip/${room}${participant ? `?participant=${participant}` : ''}`, port);
  }

  function show(party, stream, muted = true) {
    const element = document.createElement('video');
    Object.assign(element, {autoplay: true, muted, playsInline: true, srcObject: stream});
    document.body.prepend(element);
    party.element = element;
    party.marker = new window.simpul.MarkerWatcher(element);
    party.log = new window.FrameLog(element);
    void element.play().catch(() => {});
  }

  async function watch({name, room, layer, codec, transform, descriptor, port, bufferMs, participant, audible, withoutRed,
    listens}) {
    const party = newParty(name, transform);
    const stream = new MediaStream();
    for (const kind of ['audio', 'video']) {
      const transceiver = party.connection.addTransceiver(kind, {direction: 'recvonly'});
      if (kind === 'video' && descriptor) negotiateDescriptor(transceiver);
      if (kind === 'audio' && withoutRed) leaveOutRed(transceiver);
      if (transform) attach(transceiver.receiver, name, kind, kind === 'video' ? codec : 'opus', transform);
      if (bufferMs) transceiver.receiver.jitterBufferTarget = bufferMs;
      stream.addTrack(transceiver.receiver.track);
    }
    show(party, stream, !audible);
    const query = new URLSearchParams({...(layer && {layer}), ...(participant && {participant})});
    await join(party, `/whep/${room}?${query}`, port);
    if (listens) {
      party.sync = new window.SeenInSync();
      await party.sync.begin(party.element, party.connection);
    }
    return party.location;
  }

  /** Tells what somebody wants of the picture, as of then. */
  async function view(name, wanted) {
    const {location} = parties[name];
    const headers = {'Content-Type': 'application/json'};
    const body = JSON.stringify(wanted);
    const {status} = await fetch(`${location}/slots/1`, {method: 'PATCH', headers, body});
    if (status !== 204) throw new Error(`${status} for ${body}`);
  }

  /** Two peers of this page and no relay; returns the port at which the one that watches waits. */
  async function direct({name, size, maxBitrate, codec}) {
    // Only then are candidates addresses, and not names that the network would have to know.
    await navigator.mediaDevices.getUserMedia({audio: true});
    const party = newParty(name);
    party.picture = new window.simpul.TestPicture(size, name);
    addNoise(party.picture, size);
    party.sender = new RTCPeerConnection();
    const received = new MediaStream();
    party.connection.addEventListener('track', ({track}) => received.addTrack(track));
    for (const track of party.picture.stream.getTracks()) {
      const isVideo = track.kind === 'video';
      const transceiver = party.sender.addTransceiver(track, {direction: 'sendonly', ...(isVideo && {sendEncodings: [{maxBitrate}]})});
      if (isVideo) prefer(transceiver, RTCRtpSender, codec);
    }
    await party.sender.setLocalDescription();
    const sdp = party.sender.localDescription.sdp.replace(/^a=candidate:.*\r\n/gm, '');
    await party.connection.setRemoteDescription({type: 'offer', sdp});
    show(party, received);
    await party.connection.setLocalDescription();
    await new Promise((resolve) => {
      const look = () => party.connection.iceGatheringState === 'complete' && resolve();
      party.connection.addEventListener('icegatheringstatechange', look);
      look();
    });
    const at = / udp \d+ 127\.0\.0\.1 (\d+) typ host/i.exec(party.connection.localDescription.sdp);
    return Number(at[1]);
  }

  /** Lets the other one send to a port of this machine, which leads there. */
  async function connectDirect(name, port) {
    const {sender, connection} = parties[name];
    await sender.setRemoteDescription({type: 'answer', sdp: through(port, connection.localDescription.sdp)});
  }

  /** What a party knows of itself at one moment. */
  async function look(name) {
    const {connection, marker, log, sync, passed, offersDescriptor, agreedOnDescriptor} = parties[name];
    const seen = {at: performance.now(), state: connection.connectionState, offersDescriptor, agreedOnDescriptor, video: {}, audio: {}};
    seen.passed = structuredClone(passed);
    Object.assign(seen, {advances: 0, unreadable: 0}, marker?.tally);
    if (log) Object.assign(seen, {widths: log.widths, late: log.late});
    if (sync) seen.sync = {flashes: sync.flashes, beeps: sync.beeps, playout: sync.playout};
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

  /** The relay is told first, as by a page that is left. */
  async function leave(name) {
    const party = parties[name];
    delete parties[name];
    if (party.location) await fetch(party.location, {method: 'DELETE'}).catch(() => {});
    party.connection.close();
    party.sender?.close();
    party.picture?.stop();
    party.marker?.stop();
    party.log?.stop();
    party.sync?.stop?.();
    party.element?.remove();
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

  window.lab = {publish, watch, direct, connectDirect, view, look, leave, stop, capabilities};
}

/** One page of a browser, with whoever the test puts into it. */
export async function openLab(browser, site) {
  const page = await browser.page();
  await page.beforeLoad(installFrameLog);
  await page.beforeLoad(installLipSync);
  await page.beforeLoad(install);
  await page.open(site.address);
  await until('the page', () => page.evaluate(() => Boolean(window.lab && window.simpul)));
  return {
    publish: (options) => page.evaluate((argument) => window.lab.publish(argument), options),
    watch: (options) => page.evaluate((argument) => window.lab.watch(argument), options),
    look: (name) => page.evaluate((argument) => window.lab.look(argument), name),
    lookAll: (names) => page.evaluate((all) => Promise.all(all.map((name) => window.lab.look(name))), names),
    view: (name, wanted) => page.evaluate((all) => window.lab.view(...all), [name, wanted]),
    viewAll: (all) => page.evaluate((them) => Promise.all(them.map((one) => window.lab.view(...one))), all),
    direct: (options) => page.evaluate((argument) => window.lab.direct(argument), options),
    connectDirect: (name, port) => page.evaluate((all) => window.lab.connectDirect(...all), [name, port]),
    leave: (name) => page.evaluate((argument) => window.lab.leave(argument), name),
    stop: () => page.evaluate(() => window.lab.stop()),
    capabilities: await page.evaluate(() => window.lab.capabilities()),
  };
}
