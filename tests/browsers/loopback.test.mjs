// The page, its marker and both browsers without a relay: an answering peer inside the page stands
// in for it. What fails here is not the relay's doing.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {launchChromium, launchFirefox} from './support/browsers.mjs';
import {cameraShowsTestPicture} from './support/in_page.mjs';
import {goesOn, report, until} from './support/measure.mjs';
import {servePage} from './support/static_page.mjs';

let site;
before(async () => (site = await servePage()));
after(() => site?.stop());

/** Answers WHIP and WHEP calls inside the page. Runs before the page's own scripts. */
function answerInPage() {
  const received = new MediaStream();
  const realFetch = window.fetch.bind(window);
  window.loopbackEnded = 0;
  window.loopbackPeers = []; // a peer that nobody holds is collected and closed
  async function answer(offer, prepare) {
    const peer = new RTCPeerConnection();
    window.loopbackPeers.push(peer);
    prepare(peer);
    await peer.setRemoteDescription({type: 'offer', sdp: offer});
    for (const transceiver of peer.getTransceivers()) {
      const track = received.getTracks().find((t) => t.kind === transceiver.receiver.track.kind);
      if (!transceiver.sender.track && prepare.sends && track) {
        transceiver.direction = 'sendonly';
        await transceiver.sender.replaceTrack(track);
      }
    }
    await peer.setLocalDescription();
    await new Promise((resolve) => {
      const look = () => peer.iceGatheringState === 'complete' && resolve();
      peer.addEventListener('icegatheringstatechange', look);
      look();
    });
    return peer.localDescription.sdp;
  }
  window.fetch = async (url, init) => {
    const path = new URL(url, location.href).pathname;
    if (init?.method === 'DELETE') {
      ++window.loopbackEnded;
      return new Response(null, {status: 200});
    }
    const created = (sdp) => new Response(sdp, {status: 201, headers: {Location: `${path}/1`}});
    if (path.startsWith('/whip/')) {
      const take = (peer) => peer.addEventListener('track', ({track}) => received.addTrack(track));
      return created(await answer(init.body, take));
    }
    if (path.startsWith('/whep/')) {
      const headers = {'Retry-After': '1', 'Content-Type': 'application/problem+json'};
      if (received.getTracks().length < 2) {
        return new Response('{"title": "Nobody publishes"}', {status: 409, headers});
      }
      return created(await answer(init.body, Object.assign(() => {}, {sends: true})));
    }
    return realFetch(url, init);
  };
}

async function publishAndWatch(page, query) {
  await page.beforeLoad(answerInPage);
  await page.open(`${site.address}/?room=loopback&${query}`);
  // A press, as by a person: only then may a page play sound.
  await page.click('#watch [data-toggle]');
  const seen = await goesOn(page);
  assert.deepEqual(page.errors, []);
  await page.click('#watch [data-toggle]');
  await page.click('#publish [data-toggle]');
  await until('both sessions deleted', () => page.evaluate(() => window.loopbackEnded === 2));
  return seen;
}

test('Chromium reads the marker and hears the tone of its own test picture', async () => {
  const browser = await launchChromium();
  try {
    report('loopback-chromium', await publishAndWatch(await browser.page(), 'publish=test&picture=320x180'));
  } finally {
    await browser.close();
  }
});

test('Firefox reads the marker and hears the sound of its own fake camera', async () => {
  const browser = await launchFirefox({camera: true});
  try {
    const page = await browser.page();
    await page.beforeLoad(cameraShowsTestPicture, {width: 320, height: 180});
    report('loopback-firefox', await publishAndWatch(page, 'publish=camera&simulcast=0'));
  } finally {
    await browser.close();
  }
});
