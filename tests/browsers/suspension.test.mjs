// Layers that nobody watches: the page stops sending them when the relay says so, and sends them again
// when somebody wants them.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {observation, report, until} from './support/measure.mjs';
import {connectionsOf, firstPicture, publish, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const kPicture = {width: 960, height: 540};
const kRids = ['q', 'h', 'f'];
/** Different counters read before the picture counts as going on. */
const kCountersSeen = 20;

const own = startBefore({daemon: {}, firefox: {camera: true}});

/** The layers of a room's picture, as the relay sees them. */
async function layersOf(room) {
  const connections = await connectionsOf(own.daemon.address, room);
  return connections.flatMap(({tracks}) => tracks ?? []).find(({kind}) => kind === 'video')?.layers ?? [];
}

function onlySent(room, rids) {
  return until(`only ${rids} is sent`, async () => {
    const layers = await layersOf(room);
    return layers.length === kRids.length && layers.every(({rid, active, suspended, bitrate_bps: rate}) =>
      (rids.includes(rid) ? active && rate > 0 : !active && suspended && rate === 0));
  });
}

/** What a viewer wants to see, as if their window had that size. */
async function show(room, {width, height}) {
  const participants = `${own.daemon.address}/v1/rooms/${room}/participants`;
  const slot = await until('the viewer is in the reports', async () => {
    const all = (await (await fetch(participants)).json()).participants;
    const viewer = all.find(({connections}) => connections.some(({role}) => role === 'whep'));
    const video = viewer?.connections[0].slots.find(({kind}) => kind === 'video');
    return video && `${participants}/${viewer.id}/slots/${video.mid}`;
  });
  const answer = await fetch(slot, {
    method: 'PATCH',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({width, height}),
  });
  assert.equal(answer.status, 204);
}

/** The SSRC of the largest layer. */
function largestStream(page) {
  return page.evaluate(async () => {
    const all = [...(await window.simpul.publishing.client.connection.getStats()).values()];
    return all.find(({type, rid}) => type === 'outbound-rtp' && rid === 'f')?.ssrc;
  });
}

/** Notes when the relay's word arrives, and what it is. */
function noteWords(page) {
  return page.evaluate(() => {
    window.words = [];
    const {options} = window.simpul.publishing.client;
    const pass = options.onSuspended;
    options.onSuspended = (rids) => {
      window.words.push({at: Date.now(), rids});
      pass(rids);
    };
  });
}

/** Notes when the picture that is shown gets this width. */
function noteWidth(page, width) {
  return page.evaluate((wanted) => {
    window.shownAt = undefined;
    const {video} = window.simpul.watching.panel;
    const look = () => {
      if (video.videoWidth === wanted) window.shownAt ??= Date.now();
      else video.requestVideoFrameCallback(look);
    };
    look();
  }, width);
}

/** Lets the viewer want the large picture, until it is shown. */
async function largePicture(viewer, room) {
  await noteWidth(viewer, kPicture.width);
  const wantedAt = Date.now();
  const shownAt = await until('the large picture', async () => {
    // The page tells the size of its element too, whenever that changes.
    await show(room, kPicture);
    return viewer.evaluate(() => window.shownAt);
  });
  return {wantedAt, shownAt};
}

for (const browser of ['chromium', 'firefox']) {
  test(`${browser} sends only what is watched, and the rest again when it is`, () => using(async (keep) => {
    const room = `suspended-${browser}`;
    const publisher = await keep(own[browser].page());
    await publish(publisher, own.daemon.address, room, 'simulcast=1&picture=960x540');
    // Of which the relay may have suspended one before the last has begun.
    await until('three layers', async () => {
      const layers = await layersOf(room);
      return layers.length === kRids.length && layers.every(({packets}) => packets > 0);
    });
    const stream = await largestStream(publisher);
    const from = Date.now();
    await onlySent(room, ['q']);
    const suspendedMs = Date.now() - from;
    await until('the page says so', async () => /half size, full size/.test(
      await publisher.evaluate(() => document.querySelector('#publish [data-suspended]').textContent)));
    await noteWords(publisher);

    const viewer = await keep(own.chromium.page());
    await watch(viewer, own.daemon.address, room);
    await firstPicture(viewer);
    await largePicture(viewer, room);
    await show(room, {width: 240, height: 135});
    await onlySent(room, ['q']);
    const small = await observation(viewer);

    const {wantedAt, shownAt} = await largePicture(viewer, room);
    const {at: toldAt} = await until('the word that made the page send it', async () =>
      (await publisher.evaluate(() => window.words)).find(({at, rids}) => at >= wantedAt && !rids.includes('f')));
    const seen = await observation(viewer);
    await until('the picture goes on', async () =>
      (await observation(viewer)).advances >= seen.advances + kCountersSeen);
    const keyFrames = seen.video.keyFramesDecoded - small.video.keyFramesDecoded;
    assert.ok(keyFrames >= 1, 'a layer begins again with a key frame');
    const sameStream = (await largestStream(publisher)) === stream;
    report(`suspension-${browser}`, {suspendedMs, sameStream, wantedToShownMs: shownAt - wantedAt,
      toldToShownMs: shownAt - toldAt, keyFrames, freezes: seen.video.freezeCount - small.video.freezeCount});
    assert.deepEqual(publisher.errors, []);
  }));
}
