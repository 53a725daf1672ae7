// What a test asks of a page that watches, and how long it may take to come true.
import assert from 'node:assert/strict';
import {setTimeout as pause} from 'node:timers/promises';

const kPollMs = 250;
/** A hang limit, not a promise about speed. */
export const kLimitMs = 120_000;
const kWindowMs = 10_000;
const kCountersPerSecond = 20;

/** Polls until `probe` gives something true, and returns that. */
export async function until(what, probe, limitMs = kLimitMs) {
  const end = Date.now() + limitMs;
  let last;
  for (;;) {
    last = await probe();
    if (last) return last;
    assert.ok(Date.now() < end, `not within ${limitMs / 1000} s: ${what}`);
    await pause(kPollMs);
  }
}

/** Everything a viewer knows at one moment. Runs in the page, for the page's own viewer. */
async function observe() {
  const {watching} = window.simpul;
  const client = watching.client;
  const seen = {
    at: performance.now(),
    state: client?.state.kind,
    answers: client?.answers ?? 0,
    firstPictureMs: watching.firstPictureMs,
    muted: watching.panel.video.muted,
    ...watching.marker?.tally,
    video: {},
    audio: {},
  };
  const report = client?.connection && (await client.connection.getStats());
  report?.forEach((entry) => {
    if (entry.type !== 'inbound-rtp') return;
    const keep = ['packetsReceived', 'packetsLost', 'bytesReceived', 'framesDecoded', 'framesDropped',
      'keyFramesDecoded', 'frameWidth', 'frameHeight', 'nackCount', 'pliCount', 'freezeCount',
      'retransmittedPacketsReceived', 'totalAudioEnergy', 'concealedSamples', 'totalSamplesReceived'];
    for (const key of keep) if (entry[key] !== undefined) seen[entry.kind][key] = entry[key];
  });
  return seen;
}

export function observation(page) {
  return page.evaluate(observe);
}

function difference(before, now) {
  const seconds = (now.at - before.at) / 1000;
  const video = (key) => (now.video[key] ?? 0) - (before.video[key] ?? 0);
  return {
    seconds: round(seconds),
    countersPerSecond: round((now.advances - before.advances) / seconds),
    unreadable: now.unreadable - before.unreadable,
    framesDecodedPerSecond: round(video('framesDecoded') / seconds),
    audioEnergy: (now.audio.totalAudioEnergy ?? 0) - (before.audio.totalAudioEnergy ?? 0),
    packetsLost: video('packetsLost'),
    packetsReceived: video('packetsReceived'),
    nacks: video('nackCount'),
    retransmitted: video('retransmittedPacketsReceived'),
    size: `${now.video.frameWidth}x${now.video.frameHeight}`,
    kbitPerSecond: round((video('bytesReceived') * 8) / seconds / 1000),
    ageMs: Math.round(now.ageMs ?? -1),
  };
}

const round = (value) => Math.round(value * 10) / 10;

/**
 * Watches until ten seconds in a row keep the promise: 20 counters a second read from the decoded
 * picture, none of its frames unreadable, sound heard. Returns what those ten seconds were like.
 */
export async function goodTenSeconds(page, {sound = true, readable = true} = {}) {
  const history = [];
  let best;
  const end = Date.now() + 3 * kLimitMs;
  while (Date.now() < end) {
    const now = await observation(page);
    if (now.state === 'live' && now.advances !== undefined) history.push(now);
    const before = history.findLast((earlier) => now.at - earlier.at >= kWindowMs);
    if (before) {
      const window = difference(before, now);
      const good =
        window.countersPerSecond >= kCountersPerSecond &&
        window.framesDecodedPerSecond > 0 &&
        (!readable || window.unreadable === 0) &&
        (!sound || window.audioEnergy > 0);
      if (good) return {...window, firstPictureMs: Math.round(now.firstPictureMs)};
      if (!best || window.countersPerSecond > best.countersPerSecond) best = window;
    }
    await pause(kPollMs);
  }
  const last = await observation(page);
  assert.fail(`no ten good seconds; the best were ${JSON.stringify(best)}, now ${JSON.stringify(last)}`);
}

/** Pictures of two seconds and more. */
const kCountersOn = 60;

/**
 * Waits until so many counters more are read from the decoded picture, however long that takes, none
 * of its frames unreadable, sound heard. Returns what it was like meanwhile.
 */
export async function goesOn(page, {sound = true, counters = kCountersOn} = {}) {
  let before;
  let last;
  const seen = await until(`${counters} more counters`, async () => {
    last = await observation(page);
    if (last.state !== 'live' || last.advances === undefined) return false;
    if (last.unreadable !== before?.unreadable) before = last;
    const window = difference(before, last);
    return last.advances >= before.advances + counters && window.framesDecodedPerSecond > 0 &&
      (!sound || window.audioEnergy > 0) && window;
  }).catch((error) => assert.fail(`${error.message}; now ${JSON.stringify(last)}`));
  return {...seen, firstPictureMs: Math.round(last.firstPictureMs)};
}

/** The middle one. */
export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** One line that a person, or a script, can find in the log. */
export function report(name, result) {
  console.log(`# result ${name}: ${JSON.stringify(result)}`);
}
