// The matrix of publisher, viewer and codec over five independent stacks. Each cell is decoded and
// its marker read back (of what Pion receives by a decoder that is not its own), its Opus is heard,
// or one of the two peers lacks the codec by its own word, and then no packet of it reaches the viewer.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from '../browsers/support/browsers.mjs';
import {startDaemon} from '../browsers/support/daemon.mjs';
import {report, until} from '../browsers/support/measure.mjs';
import {BrowserPeer} from './support/browser_peer.mjs';
import {DecodingPeer, PionPeer} from './support/program_peer.mjs';

const program = (name) => new URL(name, import.meta.url).pathname;
const kLaunch = {
  chromium: async () => new BrowserPeer('chromium', await launchChromium()),
  firefox: async () => new BrowserPeer('firefox', await launchFirefox({camera: true})),
  gstreamer: async () => new DecodingPeer('gstreamer', program('gstreamer_peer.py')),
  aiortc: async () => new DecodingPeer('aiortc', program('aiortc_peer.py')),
  pion: () => PionPeer.launch(),
};
// A part of them, for work on one: PEERS=aiortc,pion.
const kNames = process.env.PEERS?.split(',') ?? Object.keys(kLaunch);
const kVideoCodecs = ['VP8', 'VP9', 'H264', 'AV1'];
/** In the rooms of this one, what was heard is reported as the cells of Opus. */
const kEverybodysCodec = 'VP8';
/** Different counters read from the decoded picture before a cell counts as seen. */
const kPictures = 20;

/** More than the relay's idle timeout. */
const kIdleMs = 40_000;

let daemon;
let daemonForRed;
const peers = {};
/** A publication and a viewing that go on while all others come and go. */
let quietCall;
before(async () => {
  daemon = await startDaemon();
  daemonForRed = await startDaemon({more: '[codecs]\naudio = ["red", "opus"]\n'});
  for (const name of kNames) {
    peers[name] = await kLaunch[name]();
    await peers[name].learn(daemon.address);
    report(`peer-${name}`, peers[name].can);
    for (const way of ['sends', 'receives']) {
      for (const codec of ['audio/opus', 'video/vp8']) {
        assert.ok(peers[name].can[way].includes(codec), `${name} ${way} ${codec}`);
      }
    }
  }
  if (peers.gstreamer) {
    const room = 'quiet';
    const publication = await peers.gstreamer.publish(daemon.address, room, 'VP8');
    const viewing = await peers.gstreamer.watch(daemon.address, room);
    quietCall = {publication, viewing, begun: Date.now()};
  }
});
after(async () => {
  await quietCall?.viewing.close();
  await quietCall?.publication.close();
  for (const peer of Object.values(peers)) await peer.stop();
  await daemon?.stop();
  await daemonForRed?.stop();
});

/** Publishes, lets all of them watch at once, and closes what it opened. */
async function inRoom({publisher, viewers, room, codec, options, address = daemon.address}, action) {
  const opened = [];
  const open = async (joining) => opened[opened.push(await joining) - 1];
  try {
    const publication = await open(peers[publisher].publish(address, room, codec, options));
    const watching = viewers.map((viewer) => open(peers[viewer].watch(address, room, options)));
    const viewings = (await Promise.allSettled(watching)).map(({value, reason}, i) => ({
      viewer: viewers[i],
      viewing: value,
      failure: reason,
    }));
    return await action(viewings, publication);
  } finally {
    for (const one of opened.reverse()) await one.close();
  }
}

async function expectPictures(viewing, publication, mimeType) {
  const wanted = {codec: mimeType, pictures: kPictures, publication};
  const seen = await until(`${kPictures} pictures of ${mimeType}`, () => viewing.enough(wanted));
  return {...seen, ...(await viewing.judge?.(wanted))};
}

/** Sound comes through, so the picture would have come too. */
async function expectNoPicture(viewing) {
  const {pictures} = await until('sound without a picture', () => viewing.soundOnly());
  assert.equal(pictures, 0);
}

/** Reports a whole row of cells as the publisher's lack, if it is one. */
async function lacks(t, publisher, codec, mimeType) {
  if (peers[publisher].can.sends.includes(mimeType)) return false;
  for (const viewer of kNames) {
    await t.test(`to ${viewer}: ${publisher} does not send it`, () =>
      report(`matrix-${codec}-${publisher}-${viewer}`, {lacks: `${publisher} does not send ${codec}`}));
  }
  return true;
}

function videoRow(codec, publisher) {
  const mimeType = `video/${codec.toLowerCase()}`;
  test(`${codec} from ${publisher}`, async (t) => {
    const room = `${codec}-${publisher}`;
    if (await lacks(t, publisher, codec, mimeType)) return;
    await inRoom({publisher, viewers: kNames, room, codec}, async (viewings, publication) => {
      for (const {viewer, viewing, failure} of viewings) {
        await t.test(`to ${viewer}`, async () => {
          if (failure) throw failure;
          const name = `matrix-${room}-${viewer}`;
          if (peers[viewer].can.receives.includes(mimeType)) {
            const {sound, ...seen} = await expectPictures(viewing, publication, mimeType);
            report(name, seen);
            if (codec === kEverybodysCodec) report(`matrix-Opus-${publisher}-${viewer}`, sound);
          } else {
            await expectNoPicture(viewing);
            report(name, {lacks: `${viewer} does not receive ${codec}`});
          }
        });
      }
    });
  });
}

for (const codec of kVideoCodecs) {
  for (const publisher of kNames) videoRow(codec, publisher);
}

/** The codec of a room's sound, as the relay receives it. */
async function soundCodec(room) {
  const answer = await fetch(`${daemonForRed.address}/v1/rooms/${room}/participants`);
  const tracks = (await answer.json()).participants
    .flatMap(({connections}) => connections)
    .flatMap((connection) => connection.tracks);
  return tracks.find(({kind, layers}) => kind === 'audio' && layers[0].packets > 50)?.codec;
}

/** RED goes to those who take it, and as plain Opus to the others. */
function redRow(publisher) {
  test(`RED from ${publisher}`, async (t) => {
    const room = `RED-${publisher}`;
    if (await lacks(t, publisher, 'RED', 'audio/red')) return;
    const wanted = {publisher, viewers: kNames, room, codec: 'VP8', options: {red: true}};
    await inRoom({...wanted, address: daemonForRed.address}, async (viewings, publication) => {
      assert.equal(await until('sound at the relay', () => soundCodec(room)), 'red');
      const size = {};
      for (const {viewer, viewing, failure} of viewings) {
        const sound = peers[viewer].can.receives.includes('audio/red') ? 'audio/red' : 'audio/opus';
        await t.test(`to ${viewer} as ${sound}`, async () => {
          if (failure) throw failure;
          const heard = await expectPictures(viewing, publication, 'video/vp8');
          size[sound] = (await viewing.soundSize?.()) ?? size[sound];
          report(`matrix-${room}-${viewer}`, {sound, ...heard});
        });
      }
      const isRepeated = size['audio/red'] > 1.5 * size['audio/opus'];
      assert.ok(isRepeated || !size['audio/opus'], `bytes a packet: ${JSON.stringify(size)}`);
    });
  });
}

for (const publisher of kNames) redRow(publisher);

for (const name of kNames) {
  test(`${name} as the DTLS server: our end is active, and media flows both ways`, async () => {
    const wanted = {publisher: name, viewers: [name], room: `passive-${name}`, codec: 'VP8'};
    await inRoom({...wanted, options: {passive: true}}, async ([{viewing, failure}], publication) => {
      if (failure) throw failure;
      const seen = await expectPictures(viewing, publication, 'video/vp8');
      const setups = {publisher: publication.setup, viewer: viewing.setup ?? (await viewing.answered())};
      assert.deepEqual(setups, {publisher: 'active', viewer: 'active'});
      report(`passive-${name}`, seen);
    });
  });
}

for (const name of kNames.filter((name) => !['chromium', 'firefox'].includes(name))) {
  test(`${name} offers a data channel too: it is refused, and media flows both ways`, async () => {
    const wanted = {publisher: name, viewers: [name], room: `data-${name}`, codec: 'VP8'};
    await inRoom({...wanted, options: {data: true}}, async ([{viewing, failure}], publication) => {
      if (failure) throw failure;
      report(`data-${name}`, await expectPictures(viewing, publication, 'video/vp8'));
    });
  });
}

if (kNames.includes('gstreamer')) {
  test('gstreamer sends no checks once it is connected, and its call goes on', async () => {
    const pictures = async () => (await quietCall.viewing.observe()).video.advances;
    await until('more than the idle timeout', () => Date.now() - quietCall.begun > kIdleMs);
    const before = await pictures();
    await until('more pictures', async () => (await pictures()) >= before + kPictures);
    const seconds = Math.round((Date.now() - quietCall.begun) / 1000);
    report('quiet-gstreamer', {seconds, pictures: await pictures()});
  });
}
