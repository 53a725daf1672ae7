// Guests whose network lets no UDP out: the answers that these pages get name TCP candidates only.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from './support/browsers.mjs';
import {freeTcpPort, startDaemon} from './support/daemon.mjs';
import {answersWithoutUdp, cameraShowsTestPicture} from './support/in_page.mjs';
import {goodTenSeconds, report, until} from './support/measure.mjs';
import {pressWatch, publish, publishing, watch} from './support/rooms.mjs';

let daemon;
let chromium;
before(async () => {
  daemon = await startDaemon({tcpPort: await freeTcpPort()});
  chromium = await launchChromium();
});
after(async () => {
  await chromium?.close();
  await daemon?.stop();
});

async function pageWithoutUdp(browser) {
  const page = await browser.page();
  await page.beforeLoad(answersWithoutUdp);
  return page;
}

/** The transports of a room's connections, as the relay reports them: role and protocol. */
async function pathsOf(room) {
  const get = async (path) => (await fetch(`${daemon.address}/v1/rooms/${room}/${path}`)).json();
  const {participants} = await get('participants');
  return participants
    .flatMap(({connections}) => connections)
    .map(({role, path}) => `${role} ${path?.protocol}`)
    .sort();
}

function bothByTcp(room) {
  return until('both paths are over TCP', async () => (await pathsOf(room)).join() === 'whep tcp,whip tcp');
}

test('Chromium to Chromium by TCP: the picture goes on and the sound is heard', async () => {
  const [publisher, viewer] = [await pageWithoutUdp(chromium), await pageWithoutUdp(chromium)];
  await publish(publisher, daemon.address, 'chromium');
  await watch(viewer, daemon.address, 'chromium');
  report('tcp-chromium-to-chromium', await goodTenSeconds(viewer));
  await bothByTcp('chromium');
  assert.deepEqual([publisher.errors, viewer.errors], [[], []]);
  await viewer.close();
  await publisher.close();
});

test('Firefox and Chromium by TCP', async (t) => {
  const firefox = await launchFirefox({camera: true});
  try {
    await t.test('Chromium to Firefox: the picture goes on and the sound is heard', async () => {
      const [publisher, viewer] = [await pageWithoutUdp(chromium), await pageWithoutUdp(firefox)];
      await publish(publisher, daemon.address, 'to-firefox');
      await pressWatch(viewer, daemon.address, 'to-firefox');
      report('tcp-chromium-to-firefox', await goodTenSeconds(viewer));
      await bothByTcp('to-firefox');
      await viewer.close();
      await publisher.close();
    });
    await t.test('Firefox to Chromium: the picture goes on and the sound is heard', async () => {
      const [publisher, viewer] = [await pageWithoutUdp(firefox), await pageWithoutUdp(chromium)];
      await publisher.beforeLoad(cameraShowsTestPicture, {width: 640, height: 360});
      await publisher.open(`${daemon.address}/?room=from-firefox&publish=camera&simulcast=0`);
      await publishing(publisher);
      await watch(viewer, daemon.address, 'from-firefox');
      report('tcp-firefox-to-chromium', await goodTenSeconds(viewer));
      await bothByTcp('from-firefox');
      await viewer.close();
      await publisher.close();
    });
  } finally {
    await firefox.close();
  }
});
