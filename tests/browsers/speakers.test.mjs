// Three publish, one after the other speaks, and a viewer with several slots sees and hears who does,
// without another offer.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {report, until} from './support/measure.mjs';
import {startBefore, using} from './support/suite.mjs';

/** Each publisher's picture is of one color, the sound a tone of one height. */
const kPeople = {
  ada: {color: [220, 30, 30], hertz: 440},
  ben: {color: [30, 200, 30], hertz: 1_000},
  cleo: {color: [40, 40, 230], hertz: 2_000},
};
const kSlots = {audio: 2, video: 2};
const kTurns = ['ada', 'ben', 'cleo', 'ada', 'cleo', 'ben'];

const own = startBefore({daemon: {}});

/** Runs inside the page. */
function install(people) {
  const kSize = {width: 160, height: 120};
  const kFramesPerSecond = 15;
  const kAlike = 60; // of 255, in each color
  const kQuiet = 0.01; // of full scale
  const microphones = {};
  const context = new AudioContext();
  let viewer;

  async function join(connection, path) {
    await connection.setLocalDescription();
    const headers = {'Content-Type': 'application/sdp'};
    const answer = await fetch(path, {method: 'POST', headers, body: connection.localDescription.sdp});
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    await connection.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  }

  function camera([red, green, blue]) {
    const canvas = Object.assign(document.createElement('canvas'), kSize);
    const brush = canvas.getContext('2d');
    let frame = 0;
    setInterval(() => {
      brush.fillStyle = `rgb(${red} ${green} ${blue})`;
      brush.fillRect(0, 0, kSize.width, kSize.height);
      brush.fillStyle = '#888'; // so that there is something new in each frame
      brush.fillRect(++frame % kSize.width, 0, 8, 8);
    }, 1_000 / kFramesPerSecond);
    return canvas.captureStream(kFramesPerSecond).getVideoTracks()[0];
  }

  function microphone(hertz) {
    const tone = new OscillatorNode(context, {frequency: hertz});
    const level = new GainNode(context, {gain: 0.3});
    const out = context.createMediaStreamDestination();
    tone.connect(level).connect(out);
    tone.start();
    return out.stream.getAudioTracks()[0];
  }

  async function publish({room, name}) {
    const connection = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    microphones[name] = microphone(people[name].hertz);
    microphones[name].enabled = false;
    const tracks = [microphones[name], camera(people[name].color)];
    for (const track of tracks) connection.addTransceiver(track, {direction: 'sendonly', streams: [new MediaStream(tracks)]});
    await join(connection, `/whip/${room}?participant=${name}`);
    viewer = undefined;
    microphones[name].connection = connection; // as long as it is used
  }

  function speak(name) {
    for (const [other, track] of Object.entries(microphones)) track.enabled = other === name;
  }

  function open(receiver) {
    const {track} = receiver;
    const stream = new MediaStream([track]);
    const element = document.createElement(track.kind);
    Object.assign(element, {autoplay: true, muted: true, srcObject: stream});
    document.body.append(element);
    void element.play().catch(() => {});
    if (track.kind === 'video') return {element};
    const analyser = new AnalyserNode(context, {fftSize: 4_096, smoothingTimeConstant: 0});
    context.createMediaStreamSource(stream).connect(analyser);
    return {analyser};
  }

  async function watch({room, slots}) {
    const connection = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
    viewer = {connection, offers: 0, audio: [], video: []};
    connection.addEventListener('signalingstatechange', () => {
      if (connection.signalingState === 'have-local-offer') ++viewer.offers;
    });
    for (const [kind, count] of Object.entries(slots)) {
      for (let i = 0; i < count; ++i) viewer[kind].push(open(connection.addTransceiver(kind, {direction: 'recvonly'}).receiver));
    }
    await join(connection, `/whep/${room}`);
  }

  function whoIsSeen({element}) {
    if (element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
    const canvas = new OffscreenCanvas(1, 1);
    const brush = canvas.getContext('2d');
    brush.drawImage(element, element.videoWidth / 2, element.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    const {data} = brush.getImageData(0, 0, 1, 1);
    return Object.keys(people).find((name) => people[name].color.every((part, i) => Math.abs(part - data[i]) < kAlike));
  }

  function whoIsHeard({analyser}) {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    if (Math.max(...samples.map(Math.abs)) < kQuiet) return undefined;
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const hertz = levels.indexOf(Math.max(...levels)) * context.sampleRate / analyser.fftSize;
    return Object.keys(people).find((name) => Math.abs(people[name].hertz - hertz) < hertz / 10);
  }

  function look() {
    return {
      offers: viewer.offers,
      state: viewer.connection.connectionState,
      seen: viewer.video.map(whoIsSeen),
      heard: viewer.audio.map(whoIsHeard),
    };
  }

  window.speakers = {publish, speak, watch, look};
}

async function room(keep, name) {
  const page = await keep(own.chromium.page());
  await page.beforeLoad(install, kPeople);
  await page.open(`${own.daemon.address}/healthz`);
  for (const person of Object.keys(kPeople)) {
    await page.evaluate((all) => window.speakers.publish(all), {room: name, name: person});
  }
  await until('all of them publish sound and picture', async () => {
    const {participants} = await (await fetch(`${own.daemon.address}/v1/rooms/${name}/participants`)).json();
    const tracks = participants.flatMap(({connections}) => connections.flatMap((one) => one.tracks));
    return tracks.length === 2 * Object.keys(kPeople).length &&
      tracks.every(({layers}) => layers.some(({active}) => active));
  });
  return page;
}

test('sound and pictures follow who speaks, without another offer', () => using(async (keep) => {
  const page = await room(keep, 'speakers');
  await page.evaluate((all) => window.speakers.watch(all), {room: 'speakers', slots: kSlots});
  const took = [];
  let before;
  for (const name of kTurns) {
    const from = Date.now();
    await page.evaluate((who) => window.speakers.speak(who), name);
    let now;
    await until(`${name} is seen and heard`, async () => {
      now = await page.evaluate(() => window.speakers.look());
      const heard = now.heard.filter(Boolean);
      // Nobody else sounds, and who spoke before is still in the other picture.
      return heard.length === 1 && heard[0] === name && now.seen.includes(name) &&
        (!before || now.seen.includes(before));
    }).catch((error) => assert.fail(`${error.message}; ${JSON.stringify(now)}`));
    took.push(Date.now() - from);
    await until('the API tells who speaks', async () => {
      const {speakers} = await (await fetch(`${own.daemon.address}/v1/rooms/speakers`)).json();
      return speakers.length === 1 && speakers[0] === name;
    });
    assert.equal(now.offers, 1);
    assert.notEqual(now.state, 'failed');
    before = name;
  }
  report('speakers', {turns: kTurns.length, seenAndHeardMs: took});
}));
