// One publisher of three encodings whose viewers are behind the tests' impairment relay, and what came of
// picture and sound there.
import {until} from './measure.mjs';
import {connectionsOf} from './rooms.mjs';

export const kTop = {width: 960, height: 540};
export const kEncodings = [
  {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000},
  {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000},
  {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000},
];
/** The largest encoding counts as there when it takes so much of what it may. */
const kTopBpsMin = 1_000_000;
const kPublisher = {name: 'publisher', codec: 'VP8', size: kTop, encodings: kEncodings, noise: true};
const kSampleRate = 48_000;

/** Publishes three encodings, and waits until the relay has the whole of them. */
export async function publishAll(lab, address, room) {
  await lab.publish({...kPublisher, room});
  await until('three encodings at their rates', async () => {
    const tracks = (await connectionsOf(address, room)).flatMap((connection) => connection.tracks ?? []);
    const layers = tracks.find(({kind}) => kind === 'video')?.layers ?? [];
    const top = layers.find(({rid}) => rid === 'f');
    return layers.length === kEncodings.length && top.bitrate_bps > kTopBpsMin;
  });
}

/** What came of the picture and the sound between two looks at a viewer. */
export function between(before, after) {
  const of = (kind, key) => (after[kind][key] ?? 0) - (before[kind][key] ?? 0);
  const seconds = (after.at - before.at) / 1000;
  const share = (part, whole) => Number((part / Math.max(whole, 1)).toFixed(4));
  const late = after.late.slice(before.late.length);
  const lost = of('audio', 'packetsLost');
  return {
    seconds: Math.round(seconds),
    decodedPerSecond: Math.round(of('video', 'framesDecoded') / seconds),
    countersPerSecond: Math.round((after.advances - before.advances) / seconds),
    unreadable: after.unreadable - before.unreadable,
    freezes: of('video', 'freezeCount'),
    frozenMs: Math.round(of('video', 'totalFreezesDuration') * 1000),
    longestGapMs: Math.max(0, ...late.map(({ms}) => ms)),
    lost: of('video', 'packetsLost'),
    repaired: of('video', 'retransmittedPacketsReceived'),
    received: of('video', 'packetsReceived'),
    keyFrames: of('video', 'keyFramesDecoded'),
    plis: of('video', 'pliCount'),
    audioLost: share(lost, lost + of('audio', 'packetsReceived')),
    audioConcealed: share(of('audio', 'concealedSamples') - of('audio', 'silentConcealedSamples'), seconds * kSampleRate),
  };
}

/** The share of a rate that passed between two counts of a path, and the waits of its queue. */
export function carried(before, after, seconds, rate, way = 'down') {
  const bits = (after[way].passed_bytes - before[way].passed_bytes) * 8;
  const {queue_p50_ms: p50, queue_p95_ms: p95} = after[way];
  const drops = after[way].queue_drops - before[way].queue_drops;
  return {used: Number((bits / seconds / rate).toFixed(2)), queueMs: [p50, p95], drops};
}
