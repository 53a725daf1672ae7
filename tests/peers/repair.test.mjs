// Each of the other stacks on a bad path: what it lost is sent again to it, and it sends again what
// the relay lost, by RTX or as it was.
import assert from 'node:assert/strict';
import {networkInterfaces} from 'node:os';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';

import {startDaemon} from '../browsers/support/daemon.mjs';
import {report, until} from '../browsers/support/measure.mjs';
import {start} from '../browsers/support/process.mjs';
import {DecodingPeer, PionPeer} from './support/program_peer.mjs';

const program = (name) => fileURLToPath(new URL(name, import.meta.url));
const kBuild = process.env.SIMPUL_BUILD ?? program('../../build/release');
const kPictures = 150;
const kWanted = {codec: 'video/vp8', pictures: kPictures};
const kLoss = 0.05;

let daemon;
const peers = {};
before(async () => {
  daemon = await startDaemon();
  peers.gstreamer = new DecodingPeer('gstreamer', program('gstreamer_peer.py'));
  peers.aiortc = new DecodingPeer('aiortc', program('aiortc_peer.py'));
  peers.pion = await PionPeer.launch();
});
after(async () => {
  for (const peer of Object.values(peers)) await peer.stop();
  await daemon?.stop();
});

/** A path that loses packets one way. It is not on the loopback: GStreamer sends nothing there. */
async function badPath(direction) {
  const addresses = Object.values(networkInterfaces()).flat();
  const address = addresses.find(({family, internal}) => family === 'IPv4' && !internal)?.address;
  assert.ok(address, 'an address beside the loopback');
  const relay = await start(
    `${kBuild}/tests/impairment/impairment_relay`,
    ['--listen', `${address}:0`, '--to', `${address}:${daemon.mediaPort}`,
      `--${direction}-loss`, `${kLoss}`, '--delay-ms', '10', '--seed', '7'],
    /^impairment_relay ready udp=(\S+)/,
  );
  return {address: relay.match[1], close: () => relay.stop()};
}

async function counter(name) {
  const text = await (await fetch(`${daemon.address}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1]);
}

/** Closes what the action opened, last first. */
async function closing(action) {
  const opened = [];
  try {
    return await action(async (opening) => opened[opened.push(await opening) - 1]);
  } finally {
    for (const one of opened.reverse()) await one.close();
  }
}

for (const name of ['gstreamer', 'aiortc']) {
  test(`${name} loses a twentieth of what it watches: it asks, and gets it again`, () => closing(async (open) => {
    const asked = await counter('simpul_nacks_received_total');
    const sent = await counter('simpul_retransmissions_total');
    const path = await open(badPath('down'));
    await open(peers.pion.publish(daemon.address, `down-${name}`, 'VP8'));
    const viewing = await open(peers[name].watch(daemon.address, `down-${name}`, {path: path.address}));
    const seen = await until(`${kPictures} pictures`, () => viewing.enough(kWanted));
    const nacks = (await counter('simpul_nacks_received_total')) - asked;
    const retransmissions = (await counter('simpul_retransmissions_total')) - sent;
    report(`repair-to-${name}`, {...seen, nacks, retransmissions});
    assert.ok(nacks > 0 && retransmissions > 0, `${nacks} NACKs, ${retransmissions} packets sent again`);
  }));
}

for (const name of ['gstreamer', 'aiortc', 'pion']) {
  test(`a twentieth of what ${name} publishes is lost: the relay gets it again`, () => closing(async (open) => {
    const path = await open(badPath('up'));
    await open(peers[name].publish(daemon.address, `up-${name}`, 'VP8', {path: path.address}));
    const viewing = await open(peers.aiortc.watch(daemon.address, `up-${name}`));
    const seen = await until(`${kPictures} pictures`, () => viewing.enough(kWanted));
    report(`repair-from-${name}`, seen);
    assert.ok(seen.lost < (seen.packets * kLoss) / 4, 'what the viewer misses is a small part of what was lost');
  }));
}
