// Chromium and Firefox behind the face that the matrix knows.
import {cameraShowsTestPicture, offersOnly} from '../../browsers/support/in_page.mjs';
import {observation} from '../../browsers/support/measure.mjs';
import {publishing, watch} from '../../browsers/support/rooms.mjs';

const kSize = {width: 320, height: 180};
const kSoundPacketsMin = 50;
const kSoundSamplesMin = 48_000;

/** Offers as a peer that insists on being the DTLS server, and keeps what the answer says to it. */
function offersPassive() {
  const original = window.fetch.bind(window);
  window.fetch = async (url, init) => {
    if (init?.method !== 'POST') return original(url, init);
    const body = init.body.replaceAll('a=setup:actpass', 'a=setup:passive');
    const response = await original(url, {...init, body});
    window.answeredSetup = /a=setup:(\w+)/.exec(await response.clone().text())?.[1];
    return response;
  };
}

/** The codec of a kind that the viewer's statistics name. */
function codecOf(page, kind) {
  return page.evaluate(async (wanted) => {
    const all = await window.simpul.watching.client.connection.getStats();
    let found = '';
    all.forEach((entry) => {
      if (entry.type !== 'inbound-rtp' || entry.kind !== wanted) return;
      found = all.get(entry.codecId)?.mimeType.toLowerCase();
    });
    return found;
  }, kind);
}

export class BrowserPeer {
  constructor(name, browser) {
    this.name = name;
    this.browser = browser;
  }

  /** What the browser says it can send and receive, for instance "video/vp9". */
  async learn(address) {
    const page = await this.browser.page();
    await page.open(address);
    const told = await page.evaluate(() => {
      const names = (of, kind) => of.getCapabilities(kind)?.codecs.map((c) => c.mimeType.toLowerCase()) ?? [];
      const both = (of) => [...names(of, 'audio'), ...names(of, 'video')];
      return {sends: both(RTCRtpSender), receives: both(RTCRtpReceiver)};
    });
    await page.close();
    this.can = {version: this.browser.name, ...told};
  }

  async page({passive}) {
    const page = await this.browser.page();
    if (passive) await page.beforeLoad(offersPassive);
    return page;
  }

  async publish(address, room, codec, options = {}) {
    const page = await this.page(options);
    await page.beforeLoad(offersOnly, {video: `video/${codec}`, red: options.red});
    const camera = this.name === 'firefox';
    if (camera) await page.beforeLoad(cameraShowsTestPicture, kSize);
    const picture = `picture=${kSize.width}x${kSize.height}&simulcast=0`;
    await page.open(`${address}/?room=${room}&publish=${camera ? 'camera' : 'test'}&${picture}`);
    await publishing(page);
    return {setup: await page.evaluate(() => window.answeredSetup), close: () => page.close()};
  }

  async watch(address, room, options = {}) {
    const page = await this.page(options);
    await watch(page, address, room);
    const enough = async ({codec, pictures}) => {
      const {advances, unreadable, audio, video} = await observation(page);
      const {packetsReceived, totalSamplesReceived} = audio;
      const heard = packetsReceived >= kSoundPacketsMin && totalSamplesReceived >= kSoundSamplesMin;
      if (!heard || !(advances >= pictures) || (await codecOf(page, 'video')) !== codec) return undefined;
      const sound = {packets: packetsReceived, samples: totalSamplesReceived};
      return {pictures: advances, unreadable, packets: video.packetsReceived, sound};
    };
    const soundOnly = async () => {
      const {audio, video} = await observation(page);
      return audio.packetsReceived > 2 * kSoundPacketsMin && {pictures: video.packetsReceived ?? 0};
    };
    /** Bytes of a packet of sound. */
    const soundSize = async () => {
      const {audio} = await observation(page);
      return Math.round(audio.bytesReceived / audio.packetsReceived);
    };
    const setup = () => page.evaluate(() => window.answeredSetup);
    return {enough, soundOnly, answered: setup, soundSize, close: () => page.close()};
  }

  stop() {
    return this.browser.close();
  }
}
