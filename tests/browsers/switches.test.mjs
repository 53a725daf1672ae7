// Forced switches of layers and sources, codec by codec, in twenty slots at once: half of them are
// switched in each round, and the other half tells what the machine does to a picture without it.
// SIMPUL_FULL=1: a thousand switches a codec, else a hundred over all codecs.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';

import {openLab, serveLab} from './support/lab.mjs';
import {report, until} from './support/measure.mjs';
import {connectionsOf} from './support/rooms.mjs';
import {startBefore} from './support/suite.mjs';

const kIsFull = process.env.SIMPUL_FULL === '1';
const kSwitchesPerCodec = kIsFull ? 1_000 : 25;
/** A publisher takes another one's place after so many rounds, in all slots that named nobody. */
const kRoundsPerSource = kIsFull ? 10 : 3;
const kLarge = {width: 480, height: 270};
const kSmall = {width: 240, height: 135};
/** Two encodings are what Chromium makes of this size; half of the frames let two cores decode twenty of them. */
const kEncodings = [
  {rid: 'q', scaleResolutionDownBy: 2, maxBitrate: 100_000, maxFramerate: 15},
  {rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 300_000, maxFramerate: 15},
];
const kCodecs = {VP8: ['chromium', 'firefox'], VP9: ['chromium', 'firefox'], H264: ['chromium'], AV1: ['chromium', 'firefox']};
const kSlots = {chromium: 16, firefox: 4};
const kSlotsAlone = {chromium: 20};
const kSettleMs = 700;
const kShownLimitMs = 300_000;
const kSeed = 12345;
/**
 * What the middle one of the switches may leave out of the picture's own time. Freezes are reported:
 * on a loaded machine the slots that nobody switches have them too.
 */
const kSkipMaxMs = kIsFull ? 200 : 1_000;

const labs = {};
const own = startBefore({daemon: {}, firefox: {camera: true}, open: async (opened) => {
  const site = await serveLab(opened.daemon.address);
  for (const name of ['chromium', 'firefox']) labs[name] = await openLab(opened[name], site);
  return [site];
}});

/** The same numbers each time, 0 to below 1 (a linear congruential generator). */
function randomNumbers(seed) {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** Every viewer of a codec, in all browsers. */
class Slots {
  constructor(byBrowser) {
    this.all = Object.entries(byBrowser).flatMap(([browser, count]) =>
      Array.from({length: count}, (_, i) => ({browser, name: `${browser}-${i}`, wanted: kLarge, isPinned: i % 2 === 0})));
  }

  async watch(room) {
    await Promise.all(this.all.map(({browser, name, isPinned}) =>
      labs[browser].watch({name, room, ...(isPinned && {participant: 'steady'})})));
  }

  async look() {
    const seen = new Map();
    for (const browser of new Set(this.all.map((slot) => slot.browser))) {
      const names = this.all.filter((slot) => slot.browser === browser).map(({name}) => name);
      for (const [i, one] of (await labs[browser].lookAll(names)).entries()) seen.set(names[i], one);
    }
    return seen;
  }

  async view(slots) {
    for (const browser of new Set(slots.map((slot) => slot.browser))) {
      await labs[browser].viewAll(slots.filter((slot) => slot.browser === browser).map(({name, wanted}) => [name, wanted]));
    }
  }

  /** Waits until these show what they want, with a counter that goes on. */
  async shown(slots) {
    const before = await this.look();
    let wrong;
    return until('the picture that was asked for', async () => {
      const now = await this.look();
      // Who has shown it once may show less again: a busy machine looks like a narrow path.
      wrong = (wrong ?? slots).filter(({name, wanted}) => {
        const {video, advances} = now.get(name);
        return video.frameWidth !== wanted.width || advances <= before.get(name).advances;
      });
      return wrong.length === 0 && now;
    }, kShownLimitMs).catch((error) => {
      throw new Error(`${error.message}: ${wrong.map(({name, wanted}) => `${name} ${wanted.width}`).join(', ')}`);
    });
  }
}

/** In milliseconds, and how many are longer than what is seen as a freeze. */
function spread(gaps) {
  const sorted = gaps.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {p50: at(0.5), p95: at(0.95), max: at(1), over200: sorted.filter((ms) => ms > 200).length};
}

/** What pictures went through, over so many slots and between two looks at each. */
class Tally {
  counts = {slots: 0, frozen: 0, freezes: 0, frozenMs: 0, dropped: 0, plis: 0, unreadable: 0};
  gaps = [];
  switchGaps = []; // from the last frame of one size to the first of another
  skips = []; // the same by the clock of the picture, which a busy machine does not slow down

  add(before, after) {
    const of = (key) => (after.video[key] ?? 0) - (before.video[key] ?? 0);
    const {counts} = this;
    ++counts.slots;
    counts.frozen += of('freezeCount') > 0 ? 1 : 0;
    counts.freezes += of('freezeCount');
    counts.frozenMs += Math.round(of('totalFreezesDuration') * 1000);
    counts.dropped += of('framesDropped');
    counts.plis += of('pliCount');
    counts.unreadable += after.unreadable - before.unreadable;
    this.gaps.push(Math.max(0, ...after.late.slice(before.late.length).map(({ms}) => ms)));
    const changes = after.widths.slice(before.widths.length);
    this.switchGaps.push(...changes.map(({ms}) => ms));
    this.skips.push(...changes.filter(({skippedMs}) => skippedMs !== undefined).map(({skippedMs}) => skippedMs));
  }

  get told() {
    const {counts, gaps, switchGaps, skips} = this;
    return {
      ...counts,
      gap: spread(gaps),
      ...(switchGaps.length > 0 && {switchGap: spread(switchGaps)}),
      ...(skips.length > 0 && {skip: spread(skips)}),
    };
  }
}

async function publish(room, codec, participant) {
  const isLayered = codec !== 'VP8' && codec !== 'H264';
  const encodings = kEncodings.map((encoding) => ({...encoding, ...(isLayered && {scalabilityMode: 'L1T3'})}));
  await labs.chromium.publish({name: participant, participant, room, codec, size: kLarge, encodings});
  await until(`both encodings of ${participant}`, async () => {
    const connections = await connectionsOf(own.daemon.address, room);
    const tracks = connections.flatMap((connection) => connection.tracks ?? []).filter(({kind}) => kind === 'video');
    return tracks.length > 0 && tracks.every(({layers}) => layers.filter(({active}) => active).length === kEncodings.length);
  });
}

/** Another publisher takes the place of one, in the slots of those who named nobody. */
async function takeOver(room, codec, from, to, slots) {
  await publish(room, codec, to);
  const before = await slots.look();
  await labs.chromium.leave(from);
  const unpinned = slots.all.filter(({isPinned}) => !isPinned);
  await slots.shown(unpinned);
  await pause(kSettleMs);
  return {before, after: await slots.look(), count: unpinned.length};
}

for (const [codec, browsers] of Object.entries(kCodecs)) {
  test(`${codec}: no switch of a layer or a source stops a picture`, async () => {
    const room = `switches-${codec}`;
    const random = randomNumbers(kSeed);
    const slots = new Slots(browsers.length > 1 ? kSlots : kSlotsAlone);
    const tallies = {up: new Tally(), down: new Tally(), source: new Tally(), unswitched: new Tally()};
    try {
      await publish(room, codec, 'steady');
      await publish(room, codec, 'first');
      await slots.watch(room);
      await slots.shown(slots.all);
      let [present, next] = ['first', 'second'];
      let switches = 0;
      for (let round = 1; switches < kSwitchesPerCodec; ++round) {
        const chosen = slots.all.filter(() => random() < 0.5);
        const before = await slots.look();
        for (const slot of chosen) slot.wanted = slot.wanted === kLarge ? kSmall : kLarge;
        await slots.view(chosen);
        await slots.shown(chosen);
        await pause(kSettleMs);
        const after = await slots.look();
        for (const slot of slots.all) {
          const kind = !chosen.includes(slot) ? 'unswitched' : slot.wanted === kLarge ? 'up' : 'down';
          tallies[kind].add(before.get(slot.name), after.get(slot.name));
        }
        switches += chosen.length;
        if (round % kRoundsPerSource !== 0) continue;
        const taken = await takeOver(room, codec, present, next, slots);
        for (const slot of slots.all) {
          const kind = slot.isPinned ? 'unswitched' : 'source';
          tallies[kind].add(taken.before.get(slot.name), taken.after.get(slot.name));
        }
        switches += taken.count;
        [present, next] = [next, present];
      }
      const told = Object.fromEntries(Object.entries(tallies).map(([kind, tally]) => [kind, tally.told]));
      report(`switches-${codec}`, {switches, ...told});
      for (const kind of ['up', 'down']) {
        const {skip} = told[kind];
        assert.ok((skip?.p50 ?? 0) <= kSkipMaxMs, `${kind}: ${JSON.stringify(told[kind])}`);
      }
    } finally {
      for (const lab of Object.values(labs)) await lab.stop();
    }
  });
}
