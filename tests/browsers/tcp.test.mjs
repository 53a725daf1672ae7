// Guests whose network lets no UDP out: the answers that these pages get name TCP candidates only.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {answersWithoutUdp} from './support/in_page.mjs';
import {goesOn, report, until} from './support/measure.mjs';
import {connectionsOf, pressWatch, publish, publishCamera, watch} from './support/rooms.mjs';
import {startBefore, using} from './support/suite.mjs';

const own = startBefore({daemon: {tcp: true}, firefox: {camera: true}});

async function pageWithoutUdp(browser) {
  const page = await browser.page();
  await page.beforeLoad(answersWithoutUdp);
  return page;
}

/** The transports of a room's connections, as the relay reports them: role and protocol. */
async function pathsOf(room) {
  const connections = await connectionsOf(own.daemon.address, room);
  return connections
    .map(({role, path}) => `${role} ${path?.protocol}`)
    .sort();
}

function bothByTcp(room) {
  return until('both paths are over TCP', async () => (await pathsOf(room)).join() === 'whep tcp,whip tcp');
}

test('Chromium to Chromium by TCP: the picture goes on and the sound is heard', () => using(async (keep) => {
  const {chromium, daemon} = own;
  const [publisher, viewer] = [await keep(pageWithoutUdp(chromium)), await keep(pageWithoutUdp(chromium))];
  await publish(publisher, daemon.address, 'chromium');
  await watch(viewer, daemon.address, 'chromium');
  report('tcp-chromium-to-chromium', await goesOn(viewer));
  await bothByTcp('chromium');
  assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
}));

test('Chromium to Firefox by TCP: the picture goes on and the sound is heard', () => using(async (keep) => {
  const {chromium, firefox, daemon} = own;
  const [publisher, viewer] = [await keep(pageWithoutUdp(chromium)), await keep(pageWithoutUdp(firefox))];
  await publish(publisher, daemon.address, 'to-firefox');
  await pressWatch(viewer, daemon.address, 'to-firefox');
  report('tcp-chromium-to-firefox', await goesOn(viewer));
  await bothByTcp('to-firefox');
}));

test('Firefox to Chromium by TCP: the picture goes on and the sound is heard', () => using(async (keep) => {
  const {chromium, firefox, daemon} = own;
  const [publisher, viewer] = [await keep(pageWithoutUdp(firefox)), await keep(pageWithoutUdp(chromium))];
  await publishCamera(publisher, daemon.address, 'from-firefox');
  await watch(viewer, daemon.address, 'from-firefox');
  report('tcp-firefox-to-chromium', await goesOn(viewer));
  await bothByTcp('from-firefox');
}));
