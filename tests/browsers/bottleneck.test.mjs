// Layers over paths that become narrow and wide again, and that lose: one publisher of three
// encodings, and viewers behind the tests' impairment relay.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';

import {startImpairment} from './support/daemon.mjs';
import {openLab, serveLab} from './support/lab.mjs';
import {report, until} from './support/measure.mjs';
import {between, carried, kTop, publishAll} from './support/paths.mjs';
import {startBefore, using} from './support/suite.mjs';

const kWide = 3_000_000;
const kNarrow = 500_000;
const kRoundTrip = {delayMs: 25};
const kNarrowMs = 15_000;
const kWideMs = 5_000;
const kLossMs = 15_000;
const kPollMs = 250;
/**
 * Far from the goals (down in 2 s, up in 10, no gap of half a second, 1 % of the sound lost), which a
 * loaded machine misses by itself: they are for those who read the report.
 */
const kUpLimitMs = 300_000;
const kDecodedPerSecondMin = 1;
const kCountersSeen = 20;

let lab;
const own = startBefore({daemon: {}, open: async (opened) => {
  const site = await serveLab(opened.daemon.address);
  lab = await openLab(opened.chromium, site);
  return [site];
}});

/** A test in a room of its own, out of which everybody is gone after it. */
function labTest(name, action) {
  test(name, () => using(async (keep) => {
    await keep({stop: () => lab.stop()});
    await action(name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60), keep);
  }));
}

/** What the relay says of the picture of a viewer. */
async function why(location) {
  return (await fetch(`${own.daemon.address}${location}/slots/1/why`)).json();
}

/** Looks at a viewer again and again, until `end` says that it is enough; keeps what changed. */
async function follow(name, location, history, end, limitMs) {
  const limit = Date.now() + limitMs;
  while (Date.now() < limit) {
    const [seen, told] = await Promise.all([lab.look(name), why(location)]);
    const {layer, granted_layer: granted, cause, estimate_bps: estimate} = told;
    history.push({at: Date.now(), layer, granted, cause, kbps: Math.round(estimate / 1000)});
    if (end?.(seen, told)) return true;
    await pause(kPollMs);
  }
  return !end;
}

const firstAfter = (list, at, is) => list.find((one) => one.at >= at && is(one));

/** How long after `at` it took; nothing where it never came. */
const since = (at, one) => one && Math.round(one.at - at);

/** The history without what is like the entry before. */
function changes(history, from) {
  const told = ({layer, granted, cause}) => `${layer} ${granted} ${cause}`;
  return history
    .filter((entry, i) => i === 0 || told(entry) !== told(history[i - 1]))
    .map(({at, kbps, ...entry}) => `${((at - from) / 1000).toFixed(1)}s ${told(entry)} ${kbps}k`);
}

labTest('a path of 3, 0.5 and 3 Mbit/s: the layer follows, and who has another path is not touched', async (room, keep) => {
  const path = await keep(startImpairment(own.daemon.mediaPort, {...kRoundTrip, rateBps: kWide, seed: 21}));
  await publishAll(lab, own.daemon.address, room);
  const slow = await lab.watch({name: 'slow', room, port: path.port});
  await lab.watch({name: 'fast', room});
  const history = [];
  const start = Date.now();
  const isSmaller = ({video}) => video.frameWidth < kTop.width;
  const isTop = ({video}) => video.frameWidth === kTop.width;
  assert.ok(await follow('slow', slow, history, (seen, told) => isTop(seen) && told.layer === 'f', kUpLimitMs),
    `the largest layer at first: ${changes(history, start).join(', ')}`);
  await follow('slow', slow, history, undefined, kWideMs);
  const first = await lab.lookAll(['slow', 'fast']);
  const counts = [await path.change()];

  const dropAt = Date.now();
  counts.push(await path.change(`--down-rate-bps ${kNarrow}`));
  assert.ok(await follow('slow', slow, history, isSmaller, kUpLimitMs), 'a smaller layer on the narrow path');
  await follow('slow', slow, history, undefined, kNarrowMs - Math.min(Date.now() - dropAt, kNarrowMs - kWideMs));
  const narrow = await lab.lookAll(['slow', 'fast']);
  await until('the other viewer has a larger layer', async () => {
    const [slowNow, fastNow] = await lab.lookAll(['slow', 'fast']);
    return fastNow.video.frameWidth > slowNow.video.frameWidth;
  });

  const riseAt = Date.now();
  counts.push(await path.change(`--down-rate-bps ${kWide}`));
  const rose = await follow('slow', slow, history, isTop, kUpLimitMs);
  await follow('slow', slow, history, undefined, kWideMs);
  const last = await lab.lookAll(['slow', 'fast']);
  const end = Date.now();
  counts.push(await path.change());

  const {widths} = last[0];
  const down = firstAfter(widths, dropAt, ({width}) => width < kTop.width);
  const up = firstAfter(widths, riseAt, ({width}) => width === kTop.width);
  const settled = widths.findLast(({at}) => at < riseAt);
  const result = {
    downMs: since(dropAt, down),
    settledMs: since(dropAt, settled),
    upMs: since(riseAt, up),
    widths: widths.map(({at, width}) => `${((at - start) / 1000).toFixed(1)}s ${width}`),
    narrow: {...between(first[0], narrow[0]), ...carried(counts[1], counts[2], (riseAt - dropAt) / 1000, kNarrow)},
    wide: {...between(narrow[0], last[0]), ...carried(counts[2], counts[3], (end - riseAt) / 1000, kWide)},
  };
  report('bottleneck-layers', changes(history, start));
  report('bottleneck-slow', result);
  const fast = between(first[1], last[1]);
  const fastWidths = last[1].widths.filter(({at}) => at > dropAt).map(({width}) => width);
  report('bottleneck-fast', {...fast, widths: fastWidths});

  assert.ok(rose, 'the largest layer again on the wide path');
  assert.ok(result.narrow.decodedPerSecond >= kDecodedPerSecondMin, 'the smaller layer runs');
  assert.ok(fast.decodedPerSecond >= kDecodedPerSecondMin, 'and it runs');
});

labTest('5, 10 and 20 % loss each way at 50 ms round trip: sound is heard, and the picture goes on at 5 and 10', async (room, keep) => {
  const kLosses = {five: 0.05, ten: 0.1, twenty: 0.2};
  const names = Object.keys(kLosses);
  await publishAll(lab, own.daemon.address, room);
  for (const [i, name] of names.entries()) {
    const path = await keep(startImpairment(own.daemon.mediaPort, {...kRoundTrip, loss: kLosses[name], seed: 31 + i}));
    await lab.watch({name, room, port: path.port, bufferMs: 200, audible: true});
  }
  await until('first pictures', async () => (await lab.lookAll(names)).every(({counter}) => counter !== undefined));
  const before = await lab.lookAll(names);
  await pause(kLossMs);
  const after = await lab.lookAll(names);
  for (const [i, name] of names.entries()) {
    const seen = between(before[i], after[i]);
    const all = seen.received + seen.lost;
    const residual = Number((Math.max(0, seen.lost - seen.repaired) / all).toFixed(4));
    report(`bottleneck-loss-${kLosses[name] * 100}`, {residual, ...seen, width: after[i].video.frameWidth});
  }
  await until('sound is heard, and the picture goes on at 5 and 10 %', async () =>
    (await lab.lookAll(names)).every(({audio, advances}, i) =>
      audio.totalAudioEnergy > before[i].audio.totalAudioEnergy &&
      (names[i] === 'twenty' || advances >= before[i].advances + kCountersSeen)));
});
