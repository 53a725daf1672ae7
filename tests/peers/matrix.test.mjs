// The matrix of publisher, viewer and codec over five independent stacks. Each cell is decoded and
// its marker read back (of what Pion receives by a decoder that is not its own), its Opus is heard,
// or one of the two peers lacks the codec by its own word, and then no packet of it reaches the viewer.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from '../browsers/support/browsers.mjs';
import {startDaemon} from '../browsers/support/daemon.mjs';
import {report, until} from '../browsers/support/measure.mjs';
import {stopAll} from '../browsers/support/process.mjs';
import {BrowserPeer} from './support/browser_peer.mjs';
import {DecodingPeer, PionPeer} from './support/program_peer.mjs';
import {untilSeen} from './support/viewing.mjs';

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
/** What each can, both ways: a peer that can less does not pass for one that lacks it. */
const kExpected = {
  chromium: ['VP8', 'VP9', 'H264', 'AV1', 'Opus', 'RED'],
  firefox: ['VP8', 'VP9', 'AV1', 'Opus'],
  gstreamer: ['VP8', 'VP9', 'H264', 'Opus'],
  aiortc: ['VP8', 'H264', 'Opus'],
  pion: ['VP8', 'VP9', 'H264', 'AV1', 'Opus'],
};
const mimeTypeOf = (codec) => `${kVideoCodecs.includes(codec) ? 'video' : 'audio'}/${codec.toLowerCase()}`;
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
      const can = [...kVideoCodecs, 'Opus', 'RED'].filter((codec) => peers[name].can[way].includes(mimeTypeOf(codec)));
      assert.deepEqual(can, kExpected[name], `what ${name} ${way}`);
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
  await stopAll([...Object.values(peers), daemon, daemonForRed]);
});

/**
 * Publishes, lets all of them watch at once, and closes what it opened. A viewer is a name, or a
 * name and options of its own.
 */
async function inRoom({publisher, viewers, room, codec, options, address = daemon.address}, action) {
  const opened = [];
  const open = async (joining) => opened[opened.push(await joining) - 1];
  try {
    const publication = await open(peers[publisher].publish(address, room, codec, options));
    const each = viewers.map((viewer) => [viewer].flat());
    const watching = each.map(([name, own = options]) => open(peers[name].watch(address, room, own)));
    const viewings = (await Promise.allSettled(watching)).map(({value, reason}, i) => ({
      viewer: each[i][0],
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
  const seen = await untilSeen(`${kPictures} pictures of ${mimeType}`, viewing, wanted);
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
          report(`matrix-${room}-${viewer}`, {...heard, as: sound});
        });
      }
      const isRepeated = size['audio/red'] > 1.5 * size['audio/opus'];
      assert.ok(isRepeated || !size['audio/opus'], `bytes a packet: ${JSON.stringify(size)}`);
    });
  });
}

for (const publisher of kNames) redRow(publisher);

const kTakesH264 = kNames.filter((name) => kExpected[name].includes('H264'));
/** Those who can be told to know of packetization mode 0 only, in which each packet is one unit. */
const kBare = kNames.filter((name) => ['chromium', 'gstreamer', 'pion'].includes(name));
const kOfOneMode = kBare.map((name) => [name, {bare: true}]);
const kOfBothModes = kTakesH264.map((name) => [name, {}]);

for (const publisher of kBare.filter((name) => name !== 'gstreamer')) {
  test(`H264 in packetization mode 0 from ${publisher}: to those who know no other mode and to all others`, async (t) => {
    const wanted = {publisher, viewers: [...kOfOneMode, ...kOfBothModes], options: {bare: true}};
    await inRoom({...wanted, room: `mode-0-${publisher}`, codec: 'H264'}, async (viewings, publication) => {
      for (const [i, {viewer, viewing, failure}] of viewings.entries()) {
        const which = i < kBare.length ? 'of mode 0 only' : 'of both modes';
        await t.test(`to ${viewer} ${which}`, async () => {
          if (failure) throw failure;
          const seen = await expectPictures(viewing, publication, 'video/h264');
          if (viewer === 'pion') assert.equal(seen.whole, seen.packets, 'all packets are single units');
          report(`mode-0-${publisher}-${viewer}${i < kBare.length ? '-bare' : ''}`, seen);
        });
      }
    });
  });
}

for (const publisher of kTakesH264.slice(-1)) {
  test('H264 in packetization mode 1 does not go to those who know mode 0 only', async (t) => {
    await inRoom({publisher, viewers: kOfOneMode, room: 'mode-1', codec: 'H264', options: {}}, async (viewings) => {
      for (const {viewer, viewing, failure} of viewings) {
        await t.test(`to ${viewer}`, async () => {
          if (failure) throw failure;
          await expectNoPicture(viewing);
        });
      }
    });
  });
}

for (const name of kNames) {
  // aiortc has all of its candidates before there is an offer.
  const options = {passive: true, trickle: name !== 'aiortc'};
  const how = options.trickle ? ', telling its candidates one by one' : '';
  test(`${name} as the DTLS server${how}: our end is active, and media flows both ways`, async () => {
    const wanted = {publisher: name, viewers: [name], room: `passive-${name}`, codec: 'VP8', options};
    await inRoom(wanted, async ([{viewing, failure}], publication) => {
      if (failure) throw failure;
      const seen = await expectPictures(viewing, publication, 'video/vp8');
      for (const {setup, trickled} of [publication, await viewing.answered()]) {
        assert.equal(setup, 'active');
        if (!options.trickle) continue;
        assert.ok(trickled.length > 1, 'a candidate, and the end of them');
        assert.deepEqual(new Set(trickled), new Set([204]));
      }
      report(`passive-${name}`, {...seen, trickled: publication.trickled?.length});
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
