// What happens in a room: many viewers, comings and goings, layers, a bad network.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {startDaemon, startDemo, startImpairment} from './support/daemon.mjs';
import {answersPointTo} from './support/in_page.mjs';
import {goesOn, observation, report, until} from './support/measure.mjs';
import {firstPicture, publish, publishing, screenshot, sent, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const kViewers = 20;
/** Different counters read before a viewer counts as seeing the picture go on. */
const kCountersSeen = 20;
/** With loss: enough for some repairs of each way. */
const kCountersUnderLoss = 200;

const own = startBefore({daemon: {}});

/** A test with pages of its own, which are closed after it. */
function pagesTest(name, action) {
  test(name, () => using((keep) => action(() => keep(own.chromium.page()))));
}

/** Fills a page with viewers of one room. */
function addViewers([room, count]) {
  const wall = document.createElement('div');
  Object.assign(wall.style, {display: 'grid', gridTemplateColumns: 'repeat(5, 1fr)'});
  document.body.replaceChildren(wall);
  window.viewers = Array.from({length: count}, () => {
    const video = document.createElement('video');
    Object.assign(video, {muted: true, autoplay: true, playsInline: true});
    video.style.width = '100%';
    wall.append(video);
    const viewer = {marker: new window.simpul.MarkerWatcher(video)};
    viewer.client = new window.simpul.WhepClient({
      room,
      onState: () => {},
      onStream: (stream) => (video.srcObject = stream),
    });
    void viewer.client.run();
    return viewer;
  });
}

function viewersSeen(opened) {
  return opened.evaluate(() =>
    window.viewers.map(({client, marker}) => ({
      state: client.state.kind,
      answers: client.answers,
      advances: marker.tally.advances,
      unreadable: marker.tally.unreadable,
    })));
}

/** Waits until each viewer has read so many counters more than at `before`. */
function allAdvance(opened, before) {
  return until(`${before.length} viewers see the picture go on`, async () => {
    const now = await viewersSeen(opened);
    return now.every((v, i) => v.advances >= before[i].advances + kCountersSeen) && now;
  });
}

pagesTest('20 viewers see it, and see it again after the publisher left and came back', async (page) => {
  const [publisher, wall, viewer] = [await page(), await page(), await page()];
  await publish(publisher, own.daemon.address, 'crowd', 'picture=320x180');
  await wall.open(`${own.daemon.address}/?room=crowd`);
  await wall.evaluate(addViewers, ['crowd', kViewers]);
  const nothing = Array.from({length: kViewers}, () => ({advances: 0}));
  const first = await allAdvance(wall, nothing);
  await watch(viewer, own.daemon.address, 'crowd');
  await firstPicture(viewer);

  await publisher.click('#publish [data-toggle]');
  await until('the picture stops', () =>
    viewer.evaluate(() => window.simpul.watching.panel.rates?.framesPerSecond === 0));
  const left = await viewersSeen(wall);
  await publisher.click('#publish [data-toggle]');
  await publishing(publisher);
  const again = await allAdvance(wall, left);
  const seen = await observation(viewer);

  assert.deepEqual(new Set(again.map((v) => v.answers)), new Set([1]), 'nobody made a new offer');
  assert.deepEqual(new Set(again.map((v) => v.state)), new Set(['live']));
  assert.equal(seen.answers, 1);
  assert.deepEqual(wall.errors, []);
  report('20-viewers', {
    viewers: again.length,
    unreadableBefore: first.reduce((sum, v) => sum + v.unreadable, 0),
    unreadableAfter: again.reduce((sum, v, i) => sum + v.unreadable - left[i].unreadable, 0),
  });
});

test('a late viewer gets a picture because a key frame is asked for', () => using(async (keep) => {
  // Nobody may begin with a key frame that somebody else asked for.
  const {address} = await keep(startDaemon({more: 'gop_cache = false'}));
  const page = () => keep(own.chromium.page());
  const [publisher, early, late] = [await page(), await page(), await page()];
  await publish(publisher, address, 'late', 'picture=320x180');
  await watch(early, address, 'late');
  await firstPicture(early);
  // A start may ask for several key frames: the late one has to be its own.
  let settled = await sent(publisher);
  await until('no more key frames of the start', async () => {
    const before = settled;
    settled = await sent(publisher);
    const counter = (await observation(early)).advances;
    await until('another second of pictures', async () =>
      (await observation(early)).advances >= counter + 30);
    return before.keyFramesEncoded === (await sent(publisher)).keyFramesEncoded;
  });
  await watch(late, address, 'late');
  const seen = await firstPicture(late);
  const after = await sent(publisher);
  assert.ok(after.keyFramesEncoded > settled.keyFramesEncoded, 'a new key frame');
  assert.ok(after.pliCount > settled.pliCount, 'asked for by the relay');
  report('late-viewer', {firstPictureMs: Math.round(seen.firstPictureMs)});
}));

pagesTest('of a simulcast publisher each viewer gets the layer it asked for', async (page) => {
  const [publisher, low, best] = [await page(), await page(), await page()];
  await publish(publisher, own.daemon.address, 'layers', 'picture=960x540&simulcast=1');
  await watch(low, own.daemon.address, 'layers', 'layer=low');
  const small = await until('the low layer', async () => {
    const seen = await observation(low);
    return seen.video.frameWidth === 240 && seen;
  });
  await watch(best, own.daemon.address, 'layers', 'layer=high');
  const large = await until('the high layer', async () => {
    const seen = await observation(best);
    return seen.video.frameWidth === 960 && seen;
  });
  assert.equal((await observation(low)).video.frameWidth, 240, 'the low viewer stays low');
  const frames = large.video.framesDecoded;
  await until('the high layer goes on', async () =>
    (await observation(best)).video.framesDecoded > frames + 30);
  report('simulcast', {
    low: `${small.video.frameWidth}x${small.video.frameHeight}`,
    high: `${large.video.frameWidth}x${large.video.frameHeight}`,
    layers: (await sent(publisher)).layers,
  });
});

pagesTest('5 % loss each way at 50 ms round trip is repaired by retransmission', async (page) => {
  const path = {loss: 0.05, delayMs: 25, jitterMs: 5};
  const up = await startImpairment(own.daemon.mediaPort, {...path, seed: 1});
  const down = await startImpairment(own.daemon.mediaPort, {...path, seed: 2});
  try {
    const [publisher, viewer] = [await page(), await page()];
    await publisher.beforeLoad(answersPointTo, up.port);
    await viewer.beforeLoad(answersPointTo, down.port);
    await publish(publisher, own.daemon.address, 'loss', 'picture=320x180');
    await watch(viewer, own.daemon.address, 'loss');
    await firstPicture(viewer);
    // Frames that waited for a repair come in bursts, of which a screen shows the last one. Two
    // tenths of a second of buffer show them all.
    await viewer.evaluate(() => {
      for (const receiver of window.simpul.watching.client.connection.getReceivers()) {
        receiver.jitterBufferTarget = 200;
      }
    });
    const seen = await goesOn(viewer, {counters: kCountersUnderLoss});
    const end = await observation(viewer);
    const {packetsLost, packetsReceived, retransmittedPacketsReceived} = end.video;
    const upstream = await sent(publisher);
    assert.ok(retransmittedPacketsReceived > 0, 'the relay retransmitted to the viewer');
    assert.ok(upstream.retransmittedPacketsSent > 0, 'the publisher retransmitted to the relay');
    report('loss', {
      ...seen,
      lossBeforeRepair: packetsLost / (packetsLost + packetsReceived),
      residualLoss: Math.max(0, packetsLost - retransmittedPacketsReceived) / (packetsLost + packetsReceived),
      nacksToRelay: end.video.nackCount,
      nacksToPublisher: upstream.nackCount,
      retransmittedByPublisher: upstream.retransmittedPacketsSent,
      freezes: end.video.freezeCount,
    });
  } finally {
    await up.stop();
    await down.stop();
  }
});

pagesTest('the synthetic publisher is seen and heard', async (page) => {
  const demo = await startDemo(own.daemon.address, 'demo');
  try {
    const viewer = await page();
    await watch(viewer, own.daemon.address, 'demo');
    report('demo', await goesOn(viewer));
    await screenshot(viewer, 'demo');
  } finally {
    await demo.stop();
  }
});
