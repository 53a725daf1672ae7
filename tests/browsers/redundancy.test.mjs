// Sound over paths that lose packets: Opus of a publisher who repeats nothing, to viewers who have
// RED and to one who has not.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';

import {startImpairment} from './support/daemon.mjs';
import {openLab, serveLab} from './support/lab.mjs';
import {report, until} from './support/measure.mjs';
import {connectionsOf} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const kSize = {width: 320, height: 180};
const kPath = {loss: 0.1, delayMs: 25};
const kBufferMs = 200;
const kMeasuredMs = 8_000;
const kMendedLimitMs = 150_000;
/** Of 10 %: what a machine that is late loses comes on top. */
const kLostMin = 0.03;
/** A packet that repeats a frame against one that does not. */
const kLargerMin = 1.5;
/** What RED is to leave at most of what is made up without it; of losses that are alone it leaves none. */
const kLeftMax = 0.6;

const labs = {};
const own = startBefore({daemon: {}, firefox: {camera: true}, open: async (opened) => {
  const site = await serveLab(opened.daemon.address);
  for (const browser of ['chromium', 'firefox']) labs[browser] = await openLab(opened[browser], site);
  return [site];
}});

/** A test in a room of its own, out of which everybody is gone after it. */
function labTest(name, action) {
  test(name, () => using(async (keep) => {
    for (const lab of Object.values(labs)) await keep({stop: () => lab.stop()});
    await action(name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60), keep);
  }));
}

/** How many frames each packet of sound repeats, by the relay's word, for each viewing in the room. */
async function repeated(room) {
  const slots = (await connectionsOf(own.daemon.address, room)).flatMap((connection) => connection.slots ?? []);
  return slots.filter(({kind}) => kind === 'audio').map(({redundancy}) => redundancy);
}

/** What came of the sound between two looks. */
function heard(before, after) {
  const of = (key) => (after.audio[key] ?? 0) - (before.audio[key] ?? 0);
  const share = (part, whole) => Number((part / Math.max(whole, 1)).toFixed(4));
  return {
    lost: share(of('packetsLost'), of('packetsLost') + of('packetsReceived')),
    concealed: share(of('concealedSamples'), of('totalSamplesReceived')),
    concealments: of('concealmentEvents'),
    octets: Math.round(of('bytesReceived') / Math.max(of('packetsReceived'), 1)),
  };
}

/** One viewer that has RED and one that has not, each behind such a path of its own. */
async function watchLossy(keep, room, options) {
  for (const [i, name] of ['red', 'plain'].entries()) {
    const path = await keep(startImpairment(own.daemon.mediaPort, {...kPath, seed: 61 + i}));
    await labs.chromium.watch({
      name, room, port: path.port, bufferMs: kBufferMs, audible: true, withoutRed: name === 'plain', ...options,
    });
  }
}

/** Lets them go until the relay repeats frames to the one that has RED, and measures. */
async function measureRepeated(room) {
  await until('frames are repeated', async () => (await repeated(room)).some((frames) => frames > 0));
  const before = await labs.chromium.lookAll(['red', 'plain']);
  await pause(kMeasuredMs);
  const after = await labs.chromium.lookAll(['red', 'plain']);
  const [red, plain] = before.map((then, i) => heard(then, after[i]));
  return {red, plain, repeated: await repeated(room)};
}

function isMended({red, plain}) {
  return red.lost > kLostMin && plain.lost > kLostMin && red.octets > kLargerMin * plain.octets &&
    red.concealed < kLeftMax * plain.concealed;
}

/** Measures until it shows: what a busy machine plays too late is made up for both of them. */
async function mended(room) {
  let seen;
  await until('less is made up where frames are repeated', async () => {
    seen = await measureRepeated(room);
    return isMended(seen);
  }, kMendedLimitMs).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(seen)}`));
  return seen;
}

for (const publisher of ['chromium', 'firefox']) {
  labTest(`sound of ${publisher} at 10 % loss is repeated to who has RED`, async (room, keep) => {
    await labs[publisher].publish({name: 'publisher', room, codec: 'VP8', size: kSize, microphone: publisher === 'firefox'});
    await watchLossy(keep, room);
    report(`redundancy-${publisher}`, await mended(room));
  });
}

labTest('encrypted sound at 10 % loss is repeated to who decrypts RED block by block', async (room, keep) => {
  const transform = {scrambles: true};
  await labs.chromium.publish({name: 'publisher', room, codec: 'VP8', size: kSize, transform});
  await watchLossy(keep, room, {codec: 'VP8', transform});
  report('redundancy-encrypted', await mended(room));
});
