// The stacks on networks that are not a cable of 1,500 bytes between two machines with one address
// each: paths that lose, delay and reorder, small packets, TCP alone, a relay of two addresses.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';

import {launchChromium, launchFirefox} from '../browsers/support/browsers.mjs';
import {startDaemon} from '../browsers/support/daemon.mjs';
import {report, until} from '../browsers/support/measure.mjs';
import {start, stopAll} from '../browsers/support/process.mjs';
import {using} from '../browsers/support/suite.mjs';
import {BrowserPeer} from './support/browser_peer.mjs';
import {openNetwork} from './support/other_network.mjs';
import {DecodingPeer, PionPeer} from './support/program_peer.mjs';
import {untilSeen} from './support/viewing.mjs';

const program = (name) => fileURLToPath(new URL(name, import.meta.url));
const kBuild = process.env.SIMPUL_BUILD ?? program('../../build/release');
const kHere = '10.78.0.2';
const kRelay = ['10.78.0.1', '10.79.0.1'];
/** What a link of IPv6 carries at least (RFC 8200 §5). */
const kMtu = 1280;
const kTcpPort = 7700;
const kLoss = 0.1;
const kPath = ['--loss', `${kLoss}`, '--delay-ms', '25', '--jitter-ms', '5', '--reorder', '0.05', '--seed', '7'];
/** Enough that some packet of them was lost. */
const kOnBadPath = {codec: 'video/vp8', pictures: 80};
/** Without repairs a picture can be read from a key frame to the next loss only. */
const kUnrepaired = {codec: 'video/vp8', pictures: 150, readable: 10};
const kPictures = {codec: 'video/vp8', pictures: 20};
const kLarge = {width: 960, height: 540};
/** Its largest layer takes more. */
const kLargeBps = 1_000_000;
/** Its estimate grows by 8 % a second. */
const kFollowLimitMs = 600_000;
const kPrograms = ['gstreamer', 'aiortc', 'pion'];
const kBrowsers = ['chromium', 'firefox'];
/** A machine of that hardware address is not on the cable: what is sent to it is lost without a word. */
const kNobody = '02:00:00:00:00:99';

let network;
let daemon;
const peers = {};
before(async () => {
  network = await openNetwork({near: [`${kHere}/24`], far: [`${kRelay[0]}/24`, `${kRelay[1]}/32`], mtu: kMtu});
  await network.ip(`route add ${kRelay[1]} dev near0`);
  await network.ipThere(`route add default via ${kHere}`);
  daemon = await startDaemon({network, tcpPort: kTcpPort});
  peers.gstreamer = new DecodingPeer('gstreamer', program('gstreamer_peer.py'));
  peers.aiortc = new DecodingPeer('aiortc', program('aiortc_peer.py'));
  peers.pion = await PionPeer.launch();
  peers.chromium = new BrowserPeer('chromium', await launchChromium());
  peers.firefox = new BrowserPeer('firefox', await launchFirefox({camera: true}));
});
after(() => stopAll([...Object.values(peers), daemon, network]));

/** A bad path to the relay, each way. It is not on the loopback: GStreamer sends nothing there. */
async function badPath() {
  const relay = await start(
    `${kBuild}/tests/impairment/impairment_relay`,
    ['--listen', `${kHere}:0`, '--to', `${kRelay[0]}:${daemon.mediaPort}`, ...kPath],
    /^impairment_relay ready udp=(\S+)/,
  );
  return {address: relay.match[1], close: () => relay.stop()};
}

/** A path whose rate towards the viewer can be changed. */
async function changingPath() {
  const relay = await start(
    `${kBuild}/tests/impairment/impairment_relay`,
    ['--listen', `${kHere}:0`, '--to', `${kRelay[0]}:${daemon.mediaPort}`, '--delay-ms', '10'],
    /^impairment_relay ready udp=(\S+)/,
    {listens: true},
  );
  const carry = (bps) => relay.ask(`--down-rate-bps ${bps}`);
  return {address: relay.match[1], carry, close: () => relay.stop()};
}

async function counter(name) {
  const text = await (await fetch(`${daemon.address}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1]);
}

/** The connections of a room, as the relay sees them. */
async function connectionsOf(room) {
  const {participants} = await (await fetch(`${daemon.address}/v1/rooms/${room}/participants`)).json();
  return participants.flatMap(({connections}) => connections);
}

async function expectPictures(viewing, wanted = kPictures) {
  const seen = await untilSeen(`${wanted.pictures} pictures`, viewing, wanted);
  return {...seen, ...(await viewing.judge?.({pictures: wanted.readable ?? wanted.pictures}))};
}

for (const name of kPrograms) {
  test(`${name} watches at 10 % loss each way, 50 ms and reordering: it asks, and is sent it again`, () => using(async (open) => {
    const asked = await counter('simpul_nacks_received_total');
    const sent = await counter('simpul_retransmissions_total');
    const path = await open(badPath());
    await open(peers.pion.publish(daemon.address, `down-${name}`, 'VP8'));
    // Pion does not read the RTX that it offers.
    const began = Date.now();
    const viewing = await open(peers[name].watch(daemon.address, `down-${name}`, {path: path.address}));
    const joinMs = Date.now() - began;
    const seen = await expectPictures(viewing, name === 'pion' ? kUnrepaired : kOnBadPath);
    const nacks = (await counter('simpul_nacks_received_total')) - asked;
    const retransmissions = (await counter('simpul_retransmissions_total')) - sent;
    report(`repair-to-${name}`, {joinMs, ...seen, nacks, retransmissions});
    assert.ok(nacks > 0 && retransmissions > 0, `${nacks} NACKs, ${retransmissions} packets sent again`);
  }));

  test(`${name} publishes at 10 % loss each way, 50 ms and reordering: the relay gets again what is lost`, () => using(async (open) => {
    const path = await open(badPath());
    await open(peers[name].publish(daemon.address, `up-${name}`, 'VP8', {path: path.address}));
    const viewing = await open(peers.aiortc.watch(daemon.address, `up-${name}`));
    const seen = await expectPictures(viewing, {...kOnBadPath, pictures: 150});
    report(`repair-from-${name}`, seen);
    assert.ok(seen.lost < (seen.packets * kLoss) / 4, 'what the viewer misses is a small part of what was lost');
  }));

  test(`${name} publishes over a path of ${kMtu} bytes: whole or cut, all of it arrives`, (t) => using(async (open) => {
    const before = [await network.cut(false), await network.cut(true)];
    const room = `mtu-${name}`;
    await open(peers[name].publish(daemon.address, room, 'VP8'));
    const viewings = await Promise.all(kPrograms.map((viewer) => open(peers[viewer].watch(daemon.address, room))));
    for (const [i, viewer] of kPrograms.entries()) {
      await t.test(`to ${viewer}`, async () => report(`mtu-${name}-${viewer}`, await expectPictures(viewings[i])));
    }
    const cut = {byPublisher: (await network.cut(false)) - before[0], byRelay: (await network.cut(true)) - before[1]};
    report(`mtu-${name}`, cut);
    if (name === 'aiortc') assert.ok(cut.byPublisher > 0 && cut.byRelay > 0, 'its packets are larger than the path');
  }));
}

// It reports on no packet, and makes its own estimate from the times at which they left.
test('aiortc watches over a path that becomes narrow and wide: it says so, and the layer follows', () => using(async (open) => {
  const path = await open(changingPath());
  await open(peers.chromium.publish(daemon.address, 'narrow', 'VP8', {size: kLarge, simulcast: true}));
  const viewing = await open(peers.aiortc.watch(daemon.address, 'narrow', {path: path.address}));
  const began = Date.now();
  const told = [];
  const layer = (what, is) => until(what, async () => {
    const why = await (await fetch(`${viewing.location}/slots/1/why`)).json();
    const now = `${why.layer} ${why.cause}`;
    if (told.at(-1)?.now !== now) {
      told.push({now, second: Math.round((Date.now() - began) / 1000), kbps: Math.round(why.estimate_bps / 1000)});
    }
    return is(why) && why;
  }, kFollowLimitMs).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(told)}`, {cause: error});
  });
  const isLargest = (why) => why.layer === 'f' && why.granted_layer?.startsWith('f');
  await layer('the largest layer at its rate', (why) => isLargest(why) && why.bitrate_bps > kLargeBps);
  const narrow = kLargeBps / 2;
  await path.carry(narrow);
  await layer('a smaller one, by its estimate', (why) => why.layer !== 'f' && why.estimate_bps && why.estimate_bps < kLargeBps);
  await path.carry(0);
  await layer('the largest one again', isLargest);
  report('remb-aiortc', {narrow, told});
}));

test('gstreamer publishes and watches by TCP alone', () => using(async (open) => {
  await open(peers.gstreamer.publish(daemon.address, 'tcp', 'VP8', {tcp: true}));
  const viewing = await open(peers.gstreamer.watch(daemon.address, 'tcp', {tcp: true}));
  const seen = await expectPictures(viewing);
  await until('both paths are over TCP', async () => {
    const paths = (await connectionsOf('tcp')).map(({role, path}) => `${role} ${path?.protocol}`);
    return paths.sort().join() === 'whep tcp,whip tcp';
  });
  report('tcp-gstreamer', seen);
}));

// A relay is the passive end: who has no active candidates of TCP cannot reach it.
for (const [name, kinds] of [['pion', ['tcp passive']], ['aiortc', ['udp']]]) {
  test(`${name} cannot connect by TCP alone: it has candidates of ${kinds} only`, async () => {
    assert.deepEqual(await peers[name].program.ask('candidates', {tcp: true}), kinds);
    report(`tcp-${name}`, {lacks: `${name} has candidates of ${kinds} only`});
  });
}

/** Makes one of the relay's addresses a dead one, and the others live. */
async function onlyReach(address) {
  for (const other of kRelay) {
    await network.ip(`neighbour flush to ${other} nud all`);
    if (other !== address) await network.ip(`neighbour replace ${other} lladdr ${kNobody} dev near0 nud permanent`);
  }
}

// What the relay sends leaves by the first address, were it not asked at the second.
for (const address of kRelay) {
  test(`of two addresses of the relay only ${address} can be reached: both browsers connect there`, () => using(async (open) => {
    await onlyReach(address);
    const room = `only-${address}`;
    for (const [publisher, viewer] of [kBrowsers, [...kBrowsers].reverse()]) {
      const own = `${room}-${publisher}`;
      const publication = await open(peers[publisher].publish(daemon.address, own, 'VP8'));
      const viewing = await open(peers[viewer].watch(daemon.address, own));
      const seen = await expectPictures(viewing);
      const remotes = [await publication.reached(), await viewing.reached()];
      assert.deepEqual(remotes, [address, address]);
      report(`addresses-${address}-${publisher}-${viewer}`, seen);
    }
  }));
}
