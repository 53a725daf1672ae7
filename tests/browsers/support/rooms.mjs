// The usual moves: somebody publishes, somebody watches.
import {mkdir} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';

import {cameraShowsTestPicture, keepsSize} from './in_page.mjs';
import {observation, until} from './measure.mjs';

/** Takes a picture of the whole page, for a person to look at. */
export async function screenshot(page, name) {
  const folder = fileURLToPath(new URL('../../../build/test_logs/screenshots', import.meta.url));
  await mkdir(folder, {recursive: true});
  await page.screenshot(`${folder}/${name}.png`);
}

/** A page that publishes the test picture; resolves when the relay has its connection. */
export async function publish(page, address, room, query = 'picture=320x180') {
  await page.beforeLoad(keepsSize);
  await page.open(`${address}/?room=${room}&publish=test&${query}`);
  await publishing(page);
  return page;
}

/** The same for Firefox: without an audio device it has sound of its fake microphone only. */
export async function publishCamera(page, address, room, size = {width: 320, height: 180}) {
  await page.beforeLoad(keepsSize);
  await page.beforeLoad(cameraShowsTestPicture, size);
  await page.open(`${address}/?room=${room}&publish=camera&simulcast=0`);
  await publishing(page);
  return page;
}

export function publishing(page) {
  return until('the publisher is live', () =>
    page.evaluate(() => window.simpul.publishing.client?.state.kind === 'live'));
}

/** A page that watches by itself, as a link makes it. */
export async function watch(page, address, room, query = '') {
  await page.open(`${address}/?room=${room}&watch=1&${query}`);
  return page;
}

/** A page that a person presses Watch on, without which a stock browser plays no sound. */
export async function pressWatch(page, address, room) {
  await page.open(`${address}/?room=${room}`);
  await page.click('#watch [data-toggle]');
  return page;
}

export function firstPicture(page) {
  return until('a first picture', async () => {
    const seen = await observation(page);
    return seen.firstPictureMs !== undefined && seen.counter !== undefined && seen;
  });
}

/** What the publisher's encoder was asked for, summed over its layers. */
export function sent(page) {
  return page.evaluate(async () => {
    const totals = {keyFramesEncoded: 0, pliCount: 0, nackCount: 0, retransmittedPacketsSent: 0, layers: []};
    const report = await window.simpul.publishing.client.connection.getStats();
    report.forEach((entry) => {
      if (entry.type !== 'outbound-rtp' || entry.kind !== 'video') return;
      for (const key of ['keyFramesEncoded', 'pliCount', 'nackCount', 'retransmittedPacketsSent']) {
        totals[key] += entry[key] ?? 0;
      }
      totals.layers.push(`${entry.rid ?? ''} ${entry.frameWidth}x${entry.frameHeight}`.trim());
    });
    return totals;
  });
}

/** The connections of a room, as the relay reports them. */
export async function connectionsOf(address, room) {
  const {participants} = await (await fetch(`${address}/v1/rooms/${room}/participants`)).json();
  return participants.flatMap(({connections}) => connections);
}
