// The matrix of publisher, viewer and codec: each cell is decoded and its marker read back, or one
// of the two peers lacks the codec by its own word, and then no packet of it reaches the viewer.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from './support/browsers.mjs';
import {startDaemon} from './support/daemon.mjs';
import {cameraShowsTestPicture, offersOnly} from './support/in_page.mjs';
import {observation, report, until} from './support/measure.mjs';
import {firstPicture, publishing, watch} from './support/rooms.mjs';

const kVideoCodecs = ['VP8', 'VP9', 'H264', 'AV1'];
/** Different counters read from the decoded picture before a cell counts as seen. */
const kCountersSeen = 20;
const kSize = {width: 320, height: 180};

let daemon;
const browsers = {};
before(async () => {
  daemon = await startDaemon({more: '[codecs]\naudio = ["red", "opus"]\n'});
  browsers.chromium = await launchChromium();
  browsers.firefox = await launchFirefox({camera: true});
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await daemon?.stop();
});

/** What a browser says it can send or receive, for instance "video/VP9". */
async function capabilities(name) {
  const page = await browsers[name].page();
  try {
    await page.open(daemon.address);
    return await page.evaluate(() => {
      const names = (of, kind) => of.getCapabilities(kind)?.codecs.map((c) => c.mimeType.toLowerCase()) ?? [];
      const both = (of) => [...names(of, 'audio'), ...names(of, 'video')];
      return {sends: both(RTCRtpSender), receives: both(RTCRtpReceiver)};
    });
  } finally {
    await page.close();
  }
}

async function publish(name, room, codecs) {
  const page = await browsers[name].page();
  await page.beforeLoad(offersOnly, codecs);
  if (name === 'firefox') await page.beforeLoad(cameraShowsTestPicture, kSize);
  const source = name === 'firefox' ? 'camera' : 'test';
  const picture = `picture=${kSize.width}x${kSize.height}&simulcast=0`;
  await page.open(`${daemon.address}/?room=${room}&publish=${source}&${picture}`);
  await publishing(page);
  return page;
}

/** The codecs of what a viewer receives, as its statistics name them. */
function received(page) {
  return page.evaluate(async () => {
    const found = {};
    const all = await window.simpul.watching.client.connection.getStats();
    all.forEach((entry) => {
      if (entry.type !== 'inbound-rtp') return;
      found[entry.kind] = {codec: all.get(entry.codecId)?.mimeType.toLowerCase() ?? '', packets: entry.packetsReceived};
    });
    return found;
  });
}

async function expectDecoded(viewer, codec) {
  await firstPicture(viewer);
  const seen = await until(`${kCountersSeen} pictures of ${codec}`, async () => {
    const now = await observation(viewer);
    return now.advances >= kCountersSeen && now;
  });
  assert.equal((await received(viewer)).video.codec, codec);
  return {firstPictureMs: Math.round(seen.firstPictureMs), unreadable: seen.unreadable};
}

/** Sound comes through, so the picture would have come too. */
async function expectNoPicture(viewer) {
  const sound = await until('sound without a picture', async () => {
    const now = await observation(viewer);
    return now.audio.packetsReceived > 100 && now;
  });
  assert.equal(sound.video.packetsReceived ?? 0, 0);
}

function cell(publisher, viewer, codec) {
  test(`${codec} from ${publisher} to ${viewer}`, async () => {
    const name = `codec-${codec}-${publisher}-${viewer}`;
    const mimeType = `video/${codec.toLowerCase()}`;
    const can = {publisher: await capabilities(publisher), viewer: await capabilities(viewer)};
    if (!can.publisher.sends.includes(mimeType)) {
      report(name, {lacks: `${publisher} does not send ${codec}`});
      return;
    }
    const pages = [];
    try {
      pages.push(await publish(publisher, name, {video: mimeType}));
      pages.push(await browsers[viewer].page());
      await watch(pages[1], daemon.address, name);
      if (can.viewer.receives.includes(mimeType)) {
        report(name, await expectDecoded(pages[1], mimeType));
      } else {
        await expectNoPicture(pages[1]);
        report(name, {lacks: `${viewer} does not receive ${codec}`});
      }
    } finally {
      for (const page of pages) await page.close();
    }
  });
}

for (const codec of kVideoCodecs) {
  for (const publisher of ['chromium', 'firefox']) {
    for (const viewer of ['chromium', 'firefox']) cell(publisher, viewer, codec);
  }
}

/** What the relay says it gets of a room's sound. */
async function soundCodec(room) {
  const answer = await fetch(`${daemon.address}/v1/rooms/${room}/participants`);
  const tracks = (await answer.json()).participants
    .flatMap(({connections}) => connections)
    .flatMap((connection) => connection.tracks);
  return tracks.find(({kind, layers}) => kind === 'audio' && layers[0].packets > 100)?.codec;
}

function soundReceived(page) {
  return until('two seconds of sound', async () => {
    const {audio} = await observation(page);
    return audio.packetsReceived > 100 && audio.totalSamplesReceived > 96_000 && audio;
  });
}

test('RED from chromium goes as it is to chromium and as plain Opus to firefox', async () => {
  assert.ok((await capabilities('chromium')).receives.includes('audio/red'));
  assert.ok(!(await capabilities('firefox')).receives.includes('audio/red'));
  const room = 'codec-RED';
  const pages = [await publish('chromium', room, {video: 'video/vp8', red: true})];
  try {
    assert.equal(await until('sound at the relay', () => soundCodec(room)), 'red');
    const size = {};
    const concealed = {};
    for (const viewer of ['chromium', 'firefox']) {
      const page = await browsers[viewer].page();
      pages.push(page);
      await watch(page, daemon.address, room);
      const sound = await soundReceived(page);
      size[viewer] = Math.round(sound.bytesReceived / sound.packetsReceived);
      concealed[viewer] = Math.round((1000 * sound.concealedSamples) / sound.totalSamplesReceived) / 1000;
      assert.ok(concealed[viewer] < 0.5, `${viewer} decodes most of the sound (${concealed[viewer]})`);
    }
    report('codec-RED-chromium', {bytesPerPacket: size, concealed});
    assert.ok(size.chromium > 1.5 * size.firefox, 'each packet repeats the one before it');
  } finally {
    for (const page of pages) await page.close();
  }
});

test('RED from firefox: it lacks it', async () => {
  const {sends} = await capabilities('firefox');
  assert.ok(!sends.includes('audio/red'));
  report('codec-RED-firefox', {lacks: 'firefox does not send RED'});
});
