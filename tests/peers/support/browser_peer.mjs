// Chromium and Firefox behind the face that the matrix knows.
import {cameraShowsTestPicture, offersOnly} from '../../browsers/support/in_page.mjs';
import {observation, until} from '../../browsers/support/measure.mjs';
import {publishing, watch} from '../../browsers/support/rooms.mjs';

const kSize = {width: 320, height: 180};
const kSoundPacketsMin = 50;
const kSoundSamplesMin = 48_000;
const kSampleRate = 48_000;
/** Of full scale, the mean since the viewing began: silence has none, the tones some tenths. */
const kLoudnessMin = 0.01;

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

/** Posts an offer without candidates and tells each as it is found (RFC 9725 §4.3.2, RFC 8840 §9). */
function trickles() {
  const fetchNow = window.fetch.bind(window);
  const kFragment = [/^a=group:BUNDLE.*$/m, /^m=.*$/m, /^a=mid:.*$/m, /^a=ice-ufrag:.*$/m, /^a=ice-pwd:.*$/m];
  let joined;
  const session = new Promise((resolve) => (joined = resolve));
  window.fetch = async (url, init) => {
    if (init?.method !== 'POST') return fetchNow(url, init);
    const body = init.body.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '');
    const response = await fetchNow(url, {...init, body});
    const head = kFragment.map((pattern) => `${pattern.exec(body)[0].trim()}\r\n`).join('');
    joined({url: response.headers.get('Location'), tag: response.headers.get('ETag'), head});
    return response;
  };
  const told = [];
  let telling = session;
  const tell = async (line) => {
    const {url, tag, head} = await session;
    const headers = {'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': tag};
    const {status} = await fetchNow(url, {method: 'PATCH', headers, body: `${head}${line}\r\n`});
    told.push(status);
  };
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...options) {
      super(...options);
      this.addEventListener('icecandidate', ({candidate}) => {
        if (candidate?.candidate === '') return; // Firefox's end of a generation
        const line = candidate ? `a=${candidate.candidate}` : 'a=end-of-candidates';
        telling = telling.then(() => tell(line)).then(() => {
          if (!candidate) window.trickled = told;
        });
      });
    }
  };
}

/** Knows of H.264 packetization mode 0 only, and no other video. */
function offersSingleUnits() {
  if (!window.RTCRtpTransceiver) return;
  const isSingle = ({mimeType, sdpFmtpLine}) => mimeType === 'video/rtx' ||
    (mimeType === 'video/H264' && /packetization-mode=0/.test(sdpFmtpLine));
  const original = RTCRtpTransceiver.prototype.setCodecPreferences;
  const prefer = (transceiver, {codecs}) => original.call(transceiver, codecs.filter(isSingle));
  RTCRtpTransceiver.prototype.setCodecPreferences = () => {};
  const addTransceiver = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = addTransceiver.call(this, track, init);
    const {kind} = transceiver.receiver.track;
    const sends = typeof track !== 'string';
    if (kind === 'video') prefer(transceiver, (sends ? RTCRtpSender : RTCRtpReceiver).getCapabilities(kind));
    return transceiver;
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

/** The relay's address that what a page publishes or watches goes by. */
function remoteAddress(page, role) {
  return page.evaluate(async (name) => {
    const all = await window.simpul[name].client.connection.getStats();
    let address = '';
    all.forEach((pair) => {
      if (pair.type !== 'candidate-pair' || !pair.nominated || pair.state !== 'succeeded') return;
      if (pair.bytesSent > 0) ({address} = all.get(pair.remoteCandidateId));
    });
    return address;
  }, role);
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

  async page({passive, trickle, bare}) {
    const page = await this.browser.page();
    if (passive) await page.beforeLoad(offersPassive);
    if (trickle) await page.beforeLoad(trickles);
    if (bare) await page.beforeLoad(offersSingleUnits);
    return page;
  }

  /** What became of what the options asked for. */
  async outcome(page, {trickle}) {
    const trickled = trickle && (await until('all candidates are told', () => page.evaluate(() => window.trickled)));
    return {setup: await page.evaluate(() => window.answeredSetup), trickled};
  }

  async publish(address, room, codec, options = {}) {
    const page = await this.page(options);
    if (!options.bare) await page.beforeLoad(offersOnly, {video: `video/${codec}`, red: options.red});
    const camera = this.name === 'firefox';
    if (camera) await page.beforeLoad(cameraShowsTestPicture, kSize);
    const {width, height} = options.size ?? kSize;
    const picture = `picture=${width}x${height}&simulcast=${options.simulcast ? 1 : 0}`;
    await page.open(`${address}/?room=${room}&publish=${camera ? 'camera' : 'test'}&${picture}`);
    await publishing(page);
    const reached = () => remoteAddress(page, 'publishing');
    return {...(await this.outcome(page, options)), reached, close: () => page.close()};
  }

  async watch(address, room, options = {}) {
    const page = await this.page(options);
    await watch(page, address, room);
    const enough = async ({codec, pictures}) => {
      const {advances, unreadable, audio, video} = await observation(page);
      const {packetsReceived, totalSamplesReceived, totalAudioEnergy} = audio;
      const loudness = Math.sqrt((totalAudioEnergy * kSampleRate) / totalSamplesReceived);
      const heard = packetsReceived >= kSoundPacketsMin && totalSamplesReceived >= kSoundSamplesMin &&
        loudness >= kLoudnessMin;
      if (!heard || !(advances >= pictures) || (await codecOf(page, 'video')) !== codec) return undefined;
      const sound = {packets: packetsReceived, loudness: Number(loudness.toFixed(3))};
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
    const answered = () => this.outcome(page, options);
    const reached = () => remoteAddress(page, 'watching');
    const observe = () => observation(page);
    return {enough, observe, soundOnly, answered, soundSize, reached, close: () => page.close()};
  }

  stop() {
    return this.browser.close();
  }
}
