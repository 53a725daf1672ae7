// What reaches a viewer of three encodings over paths that change, beside what one Chromium sends to
// another over the same paths without a relay. It says nothing that holds on a machine that is busy: with
// SIMPUL_FULL=1 alone (scripts/test --full browsers).
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';

import {startImpairment} from './support/daemon.mjs';
import {openLab, serveLab} from './support/lab.mjs';
import {report, until} from './support/measure.mjs';
import {between, carried, kEncodings, kTop, publishAll} from './support/paths.mjs';
import {startBefore, using} from './support/suite.mjs';

const kWarmMs = 15_000;
const kRoundTrip = {delayMs: 25};
/** Rates in kbit/s, and for how many seconds; `drop` and `variable` are cases of docs/congestion.md. */
const kProfiles = {
  drop: {phases: [[3_000, 15], [500, 15], [3_000, 20]]},
  variable: {phases: [[1_000, 20], [2_500, 20], [600, 20], [1_000, 20]]},
  loss: {loss: 0.05, phases: [[2_500, 30]]},
};

let lab;
const kIsFull = process.env.SIMPUL_FULL === '1';
const own = kIsFull && startBefore({daemon: {}, open: async (opened) => {
  const site = await serveLab(opened.daemon.address);
  lab = await openLab(opened.chromium, site);
  return [site];
}});

/** Takes a path, and who sits behind it, through the phases; what was carried in each and in all. */
async function through(phases, path, way, look) {
  const told = [];
  let bits = 0;
  let carriable = 0;
  for (const [kbps, seconds] of phases) {
    const before = await look();
    const rate = kbps * 1_000;
    const counts = await path.change(`--${way}-rate-bps ${rate}`);
    await pause(seconds * 1_000);
    const after = await look();
    const spent = (after.at - before.at) / 1_000;
    const seen = carried(counts, await path.change(), spent, rate, way);
    bits += seen.used * rate * spent;
    carriable += rate * spent;
    const {countersPerSecond, freezes, frozenMs, longestGapMs, audioLost} = between(before, after);
    told.push({kbps, ...seen, countersPerSecond, freezes, frozenMs, longestGapMs, audioLost});
    assert.ok(after.advances > before.advances, `${kbps} kbit/s: the picture goes on`);
  }
  return {used: Number((bits / carriable).toFixed(2)), queueP95: Math.max(...told.map(({queueMs}) => queueMs[1])), told};
}

const isSeen = (name) => until(`a picture of ${name}`, async () => (await lab.look(name)).advances > 0);

/** The viewer of a room on the relay. */
const relayed = (room, {phases, loss = 0}) => using(async (keep) => {
  await keep({stop: () => lab.stop()});
  const rateBps = phases[0][0] * 1_000;
  const path = await keep(startImpairment(own.daemon.mediaPort, {...kRoundTrip, loss, rateBps, seed: 21}));
  await publishAll(lab, own.daemon.address, room);
  await lab.watch({name: 'viewer', room, port: path.port});
  await isSeen('viewer');
  await pause(kWarmMs);
  return through(phases, path, 'down', () => lab.look('viewer'));
});

/** The same path between two Chromiums. */
const direct = ({phases, loss = 0}) => using(async (keep) => {
  await keep({stop: () => lab.stop()});
  const port = await lab.direct({name: 'direct', size: kTop, maxBitrate: kEncodings.at(-1).maxBitrate, codec: 'VP8'});
  const upRateBps = phases[0][0] * 1_000;
  const path = await keep(startImpairment(port, {...kRoundTrip, loss, upRateBps, seed: 21}));
  await lab.connectDirect('direct', path.port);
  await isSeen('direct');
  await pause(kWarmMs);
  return through(phases, path, 'up', () => lab.look('direct'));
});

for (const [name, profile] of kIsFull ? Object.entries(kProfiles) : []) {
  test(`the yardstick: ${name}, with a relay and without`, async () => {
    const [ours, theirs] = [await relayed(`yardstick-${name}`, profile), await direct(profile)];
    report(`yardstick-${name}`, {
      used: Number((ours.used / theirs.used).toFixed(2)),
      queueP95: Number((ours.queueP95 / Math.max(theirs.queueP95, 1)).toFixed(2)),
      ours,
      theirs,
    });
  });
}
