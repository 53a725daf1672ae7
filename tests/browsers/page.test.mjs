// The page as a thing to look at and to use: sizes, keyboard, words when something is wrong.
import assert from 'node:assert/strict';
import {test} from 'node:test';

import {startDaemon} from './support/daemon.mjs';
import {report, until} from './support/measure.mjs';
import {connectionsOf, firstPicture, publish, screenshot, watch} from './support/rooms.mjs';
import {startBefore} from './support/suite.mjs';

const kWidths = [360, 414, 768, 1024, 1440];

const own = startBefore({daemon: {}});

function text(page, selector) {
  return page.evaluate((s) => document.querySelector(s).textContent, selector);
}

function says(page, selector, pattern) {
  return until(`${selector} says ${pattern}`, async () => pattern.test(await text(page, selector)));
}

test('the page fits every width, and loads nothing from elsewhere', async () => {
  const page = await own.chromium.page();
  await page.beforeLoad(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.blockedURI));
  });
  await publish(page, own.daemon.address, 'look', 'picture=640x360&watch=1');
  await firstPicture(page);
  await says(page, '#watch [data-tile=resolution] output', /^\d+ × \d+$/);
  await says(page, '#watch [data-tile=frames] output', /^[1-9]/);
  for (const width of kWidths) {
    await page.resize(width, 900);
    await screenshot(page, `page-${width}`);
    const overflow = await page.evaluate(() =>
      document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `nothing sticks out at ${width} pixels`);
  }
  const origins = new Set(page.requests.map((url) => new URL(url).origin));
  assert.deepEqual([...origins], [own.daemon.address]);
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.deepEqual(page.errors, []);
  report('page', {widths: kWidths, requests: page.requests.length});
  await page.close();
});

test('the page can be used by keyboard, and every control has a name', async () => {
  const page = await own.chromium.page({reducedMotion: 'reduce'});
  await page.open(`${own.daemon.address}/?room=keys`);
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, select')]
      .filter((control) => !control.hidden)
      .filter((control) => !(control.labels?.[0] ?? control).textContent.trim())
      .map((control) => control.outerHTML));
  assert.deepEqual(unnamed, []);
  const reached = [];
  for (let i = 0; i < 9; ++i) {
    await page.page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => {
      const {id, name, className, dataset, textContent} = document.activeElement;
      return id || name || Object.keys(dataset)[0] || className || textContent;
    }));
  }
  assert.deepEqual(reached.slice(0, 5), ['skip', 'room', 'share', 'toggle', 'layer']);
  await page.page.focus('#watch [data-toggle]');
  await page.page.keyboard.press('Enter');
  await says(page, '#watch [data-toggle]', /^Stop watching$/);
  await page.close();
});

test('a viewer of an empty room waits and sees the picture once somebody publishes', async () => {
  const [viewer, publisher] = [await own.chromium.page(), await own.chromium.page()];
  await watch(viewer, own.daemon.address, 'empty');
  await says(viewer, '#watch [data-curtain-title]', /Nobody is publishing yet/);
  await publish(publisher, own.daemon.address, 'empty', 'picture=320x180');
  await firstPicture(viewer);
  await publisher.close();
  await viewer.close();
});

test('a picture that nobody sees is paused, and goes on when it is seen again', async () => {
  const [viewer, publisher] = [await own.chromium.page(), await own.chromium.page()];
  await publish(publisher, own.daemon.address, 'hidden', 'picture=320x180');
  await watch(viewer, own.daemon.address, 'hidden');
  await firstPicture(viewer);
  const slot = async (kind) => {
    const connections = await connectionsOf(own.daemon.address, 'hidden');
    return connections.find(({role}) => role === 'whep')?.slots.find((one) => one.kind === kind);
  };
  const advances = () => viewer.evaluate(() => window.simpul.watching.marker.tally.advances);
  const ways = {
    'of a hidden tab': (hidden) => {
      Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
      document.dispatchEvent(new Event('visibilitychange'));
    },
    'without a size': (hidden) => {
      document.querySelector('#watch video').style.display = hidden ? 'none' : '';
    },
  };
  for (const [name, hide] of Object.entries(ways)) {
    await viewer.evaluate(hide, true);
    await until(`the picture ${name} is paused`, async () => {
      const video = await slot('video');
      return video?.paused && video.bitrate_bps === 0;
    });
    assert.equal((await slot('audio')).paused, false);
    await until('the sound goes on', async () => (await slot('audio')).bitrate_bps > 0);
    await viewer.evaluate(hide, false);
    const before = await advances();
    await until(`the picture ${name} goes on`, async () => (await advances()) > before);
  }
  await publisher.close();
  await viewer.close();
});

test('a page that is closed leaves the room at once', async () => {
  // The relay itself would give a silent connection up much later than this test waits.
  const daemon = await startDaemon({more: 'idle_timeout = "10m"'});
  const publisher = await own.chromium.page();
  await publish(publisher, daemon.address, 'leaving', 'picture=320x180&name=alice');
  const present = async () => {
    const response = await fetch(`${daemon.address}/v1/rooms/leaving/participants`);
    return response.ok && /"alice"/.test(await response.text());
  };
  assert.ok(await present());
  await publisher.open('about:blank');
  await until('alice is gone', async () => !(await present()));
  await publisher.close();
  await daemon.stop();
});

test('a blocked camera is explained', async () => {
  const page = await own.chromium.page();
  await page.beforeLoad(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  });
  await page.open(`${own.daemon.address}/?publish=camera`);
  await says(page, '#publish [data-alert]', /camera is blocked/);
  await page.close();
});

test('a page outlives its relay and comes back to the next one', async () => {
  // An address of its own: nobody else may take the port while no relay has it.
  const host = '127.0.113.1';
  const first = await startDaemon({host});
  const page = await own.chromium.page();
  await publish(page, first.address, 'again', 'picture=320x180&watch=1');
  await firstPicture(page);
  await first.stop();
  await says(page, '#watch [data-alert]', /cannot be reached|interrupted|lost/);
  await screenshot(page, 'relay-gone');
  const second = await startDaemon({host, httpPort: Number(new URL(first.address).port)});
  try {
    const before = await page.evaluate(() => window.simpul.watching.marker.tally.advances);
    await until('the picture is back', () =>
      page.evaluate((seen) => {
        const {client, marker} = window.simpul.watching;
        return client?.state.kind === 'live' && client.answers > 1 && marker.tally.advances !== seen;
      }, before));
    await page.close();
  } finally {
    await second.stop();
  }
});
