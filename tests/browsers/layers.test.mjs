// Codecs in layers: simulcast and SVC of each codec that a browser has, frames that are encrypted
// end to end, the dependency descriptor, loss. What each viewer decodes is read back by its marker.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {startDaemon, startImpairment} from './support/daemon.mjs';
import {openLab, serveLab} from './support/lab.mjs';
import {report, until} from './support/measure.mjs';
import {connectionsOf} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

/** Below this Chromium sends fewer than three layers. */
const kTop = {width: 960, height: 540};
const kSvcTop = {width: 640, height: 360};
const kSmall = {width: 320, height: 180};
/** The page's own layers, of a smaller picture. */
const kRids = [
  {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000},
  {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 400_000},
  {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_200_000},
];
const kWidths = {low: 240, high: 960};
/** Different counters read from the decoded picture before a viewer counts as seeing it. */
const kCountersSeen = 20;

const labs = {};
const own = startBefore({daemon: {}, firefox: {camera: true}, open: async (opened) => {
  const site = await serveLab(opened.daemon.address);
  for (const name of ['chromium', 'firefox']) labs[name] = await openLab(opened[name], site);
  return [site];
}});

/** A test in a room of its own, out of which everybody is gone after it. */
function labTest(name, action) {
  test(name, async () => {
    try {
      await action(name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60));
    } finally {
      for (const lab of Object.values(labs)) await lab.stop();
    }
  });
}

const decodes = (browser, codec) => labs[browser].capabilities.receives.includes(codec);

/** The layers of a room's video, as the relay sees them. */
async function layersOf(room, address) {
  const connections = await connectionsOf(address, room);
  const tracks = connections.flatMap(({tracks: all}) => all ?? []);
  return tracks.find(({kind}) => kind === 'video')?.layers ?? [];
}

/** Waits until the relay gets so many layers, each with its size where that can be seen. */
function layersAreThere(room, count, {sized = true, address = own.daemon.address} = {}) {
  return until(`${count} layers at the relay`, async () => {
    const sent = (await layersOf(room, address)).filter(({active, width}) => active && (width > 0 || !sized));
    return sent.length === count && sent.map(({rid, width, height}) => `${rid} ${width}x${height}`.trim());
  });
}

/** Waits until a viewer reads the marker, in a picture of this width, if one is told. */
async function expectSeen(lab, name, {codec, width}) {
  const what = `${name} decodes ${codec}${width ? ` ${width} wide` : ''}`;
  let first;
  let last;
  const seen = await until(what, async () => {
    last = await lab.look(name);
    const right = !width || last.video.frameWidth === width;
    if (!right || last.counter === undefined) {
      first = undefined;
      return false;
    }
    first ??= last;
    return last.advances >= first.advances + kCountersSeen && last;
  }).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(last)}`);
  });
  assert.equal(seen.video.codec.toUpperCase(), codec);
  return `${seen.video.frameWidth}x${seen.video.frameHeight}`;
}

function simulcast(publisher, codec, {scalabilityMode, transform, largestFirst} = {}) {
  labTest(`simulcast of ${codec} from ${publisher}${transform ? ', encrypted' : ''}`, async (room) => {
    const encodings = kRids.map((layer) => ({...layer, ...(scalabilityMode ? {scalabilityMode} : {})}));
    if (largestFirst) encodings.reverse();
    await labs[publisher].publish({name: 'publisher', room, codec, size: kTop, encodings, transform,
      microphone: publisher === 'firefox'});
    // H.264 tells its size in the frame only, which is not read where the descriptor tells the rest.
    const layers = await layersAreThere(room, kRids.length, {sized: codec !== 'H264'});
    const seen = {};
    for (const browser of ['chromium', 'firefox'].filter((name) => decodes(name, codec))) {
      const viewers = Object.entries(kWidths).map(([layer, width]) => ({layer, width, name: `${browser}-${layer}`}));
      for (const {layer, name} of viewers) await labs[browser].watch({name, room, layer, codec, transform});
      for (const {width, name} of viewers) seen[name] = await expectSeen(labs[browser], name, {codec, width});
      for (const {name} of viewers) await labs[browser].leave(name);
    }
    report(`layers-simulcast-${codec}-${publisher}${transform ? '-encrypted' : ''}`, {layers, ...seen});
  });
}

simulcast('chromium', 'VP8');
simulcast('chromium', 'VP9', {scalabilityMode: 'L1T3'});
simulcast('chromium', 'H264');
simulcast('chromium', 'AV1', {scalabilityMode: 'L1T3'});
simulcast('firefox', 'VP8');
simulcast('firefox', 'VP9', {largestFirst: true}); // it makes none larger than the one in front
simulcast('firefox', 'AV1');
simulcast('chromium', 'VP8', {transform: {scrambles: true}});

function svc(codec, scalabilityMode) {
  labTest(`SVC ${scalabilityMode} of ${codec} from chromium`, async (room) => {
    const encodings = [{scalabilityMode, maxBitrate: 1_200_000}];
    await labs.chromium.publish({name: 'publisher', room, codec, size: kSvcTop, encodings});
    await layersAreThere(room, 1);
    // Who asked for the dependency descriptor has it with each frame, others with none. Chromium
    // decodes several spatial layers of AV1 with the descriptor only, Firefox never asks for it.
    const transform = {scrambles: false};
    const viewers = [['chromium', 'described'], ['firefox', 'plain']];
    if (codec !== 'AV1') viewers.push(['chromium', 'plain']);
    const seen = {};
    for (const [browser, name] of viewers) {
      await labs[browser].watch({name, room, codec, transform, descriptor: name === 'described'});
      const size = await expectSeen(labs[browser], name, {codec, width: kSvcTop.width});
      const {agreedOnDescriptor, passed} = await labs[browser].look(name);
      assert.equal(agreedOnDescriptor, name === 'described');
      if (browser === 'chromium') {
        const {described, frames: all} = passed.video;
        assert.equal(described, agreedOnDescriptor ? all : 0, `frames of ${all} with a descriptor`);
      }
      seen[`${browser}-${name}`] = size;
      await labs[browser].leave(name);
    }
    report(`layers-svc-${codec}-${scalabilityMode}`, seen);
  });
}

svc('VP9', 'L3T3_KEY');
svc('VP9', 'L1T3');
svc('AV1', 'L3T3_KEY');

/** Sound that was decoded rather than made up, and went through the transforms at both ends. */
async function expectHeard(browser, name) {
  await until(`${name} in ${browser} hears it`, async () => {
    const {audio, passed} = await labs[browser].look(name);
    return audio.totalSamplesReceived > 48_000 && audio.concealedSamples < audio.totalSamplesReceived / 2 &&
      passed.audio?.frames > 30;
  });
}

function encrypted(publisher, codec, transform = {}) {
  const how = transform.streams ? ' by createEncodedStreams' : '';
  labTest(`encrypted ${codec} from ${publisher}${how}`, async (room) => {
    const scrambling = {scrambles: true, ...transform};
    await labs[publisher].publish({name: 'publisher', room, codec, size: kSmall, transform: scrambling,
      microphone: publisher === 'firefox'});
    await layersAreThere(room, 1, {sized: false});
    const viewers = ['chromium', 'firefox'].filter((browser) => decodes(browser, codec));
    const seen = {};
    // The second one in each browser comes late.
    for (const turn of ['first', 'late']) {
      for (const browser of viewers) {
        const streams = scrambling.streams && browser === 'chromium';
        await labs[browser].watch({name: turn, room, codec, transform: {...scrambling, streams}});
      }
      for (const browser of viewers) {
        seen[`${browser}-${turn}`] = await expectSeen(labs[browser], turn, {codec});
        await expectHeard(browser, turn);
      }
    }
    const {offersDescriptor} = await labs[publisher].look('publisher');
    report(`layers-encrypted-${codec}-${publisher}${transform.streams ? '-streams' : ''}`, {offersDescriptor, ...seen});
  });
}

encrypted('chromium', 'VP8'); // nothing of the frame can be read, and no descriptor tells of it
encrypted('chromium', 'VP8', {streams: true, clear: true});
encrypted('chromium', 'VP9');
encrypted('chromium', 'H264');
encrypted('chromium', 'AV1');
encrypted('firefox', 'VP8', {clear: true});
encrypted('firefox', 'AV1');

labTest('VP9 at 5 % loss each way and 50 ms round trip is repaired', (room) => using(async (keep) => {
  // Everybody waits for a new key frame: the late viewer's is one that was asked for.
  const daemon = await keep(startDaemon({more: 'gop_cache = false'}));
  const path = {loss: 0.05, delayMs: 25, jitterMs: 5};
  const codec = 'VP9';
  const up = await keep(startImpairment(daemon.mediaPort, {...path, seed: 11}));
  const down = await keep(startImpairment(daemon.mediaPort, {...path, seed: 12}));
  const lab = await keep(openLab(own.chromium, await keep(serveLab(daemon.address))));
  await lab.publish({name: 'publisher', room, codec, size: kSmall, port: up.port});
  await layersAreThere(room, 1, {address: daemon.address});
  await lab.watch({name: 'viewer', room, codec, port: down.port, bufferMs: 200});
  await expectSeen(lab, 'viewer', {codec});
  const kWindowMs = 8_000;
  const history = [];
  const good = await until('eight good seconds', async () => {
    const now = await lab.look('viewer');
    history.push(now);
    const then = history.findLast(({at}) => now.at - at >= kWindowMs);
    const perSecond = then && ((now.advances - then.advances) * 1000) / (now.at - then.at);
    return then && perSecond >= 20 && now.unreadable === then.unreadable && {perSecond, ...now.video};
  });
  const publisher = await lab.look('publisher');
  assert.ok(good.retransmittedPacketsReceived > 0, 'the relay retransmitted to the viewer');
  assert.ok(publisher.video.retransmittedPacketsSent > 0, 'the publisher retransmitted to the relay');
  // A late viewer, through the same loss, gets a key frame of its own.
  await lab.watch({name: 'late', room, codec, port: down.port, bufferMs: 200});
  await expectSeen(lab, 'late', {codec});
  const after = await lab.look('publisher');
  assert.ok(after.video.keyFramesEncoded > publisher.video.keyFramesEncoded, 'a key frame was asked for');
  report('layers-loss-VP9', {
    countersPerSecond: Math.round(good.perSecond),
    retransmittedToViewer: good.retransmittedPacketsReceived,
    retransmittedByPublisher: publisher.video.retransmittedPacketsSent,
    nacks: good.nackCount,
    freezes: good.freezeCount,
  });
}));
