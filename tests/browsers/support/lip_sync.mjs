// Flashes with the test picture's beeps, where they are made and where they are seen and heard.
/** Beeps and flashes come once a second: what is further apart than half of that belongs elsewhere. */
const kApartMaxMs = 500;

/**
 * Runs inside a page, before its own scripts. All times are those of Date.now(), which the pages of
 * one machine share.
 */
export function installLipSync() {
  const kFlashMs = 150;
  const kSecondMs = 1000;
  const kSide = 8; // pixels of what is looked at
  const kBright = 160; // mean of the picture's ground when it flashes; else it is dark
  const kPower = 0.01; // mean square of samples: a beep, and no silence
  const kPollMs = 4;

  /** Calls back when a beep begins in a track. */
  async function listen(audio, track, heard) {
    await audio.audioWorklet.addModule('/beep_listener.js');
    const listener = new AudioWorkletNode(audio, 'beep-listener');
    listener.port.onmessage = ({data}) => heard(data);
    audio.createMediaStreamSource(new MediaStream([track])).connect(listener);
    listener.connect(audio.destination); // it makes no sound, but only then it is run
  }

  /** Makes a test picture flash at each full second, when it beeps, and notes when both really come. */
  window.MadeInSync = class {
    flashes = [];
    beeps = [];

    async begin(picture) {
      const {backdrop, audio, stream} = picture;
      const white = new OffscreenCanvas(backdrop.width, backdrop.height);
      const context = white.getContext('2d', {alpha: false});
      context.fillStyle = '#fff';
      context.fillRect(0, 0, white.width, white.height);
      let isLit = false;
      const ground = () => {
        const now = Date.now();
        const wasLit = isLit;
        isLit = now % kSecondMs < kFlashMs;
        if (isLit && !wasLit) this.flashes.push(now);
        return isLit ? white : backdrop;
      };
      Object.defineProperty(picture, 'backdrop', {get: ground});
      await listen(audio, stream.getAudioTracks()[0], (at) => this.beeps.push(at));
    }
  };

  /** Notes when a viewer is shown flashes and hears beeps, and what the browser thinks of both then. */
  window.SeenInSync = class {
    flashes = [];
    beeps = [];
    playout = [];

    async begin(video, connection) {
      this.connection = connection;
      this.watch(video);
      const {receiver} = connection.getTransceivers().find((one) => one.receiver.track.kind === 'audio');
      // Firefox starts no AudioContext without an audio device, and knows how loud it was; Chromium
      // starts one, and does not say how loud a muted element is.
      if (/Firefox/.test(navigator.userAgent)) return void this.pollPower(receiver);
      this.audio = new AudioContext();
      await listen(this.audio, receiver.track, (at) => this.beeps.push(at));
    }

    watch(video) {
      const canvas = new OffscreenCanvas(kSide, kSide);
      const context = canvas.getContext('2d', {alpha: false, willReadFrequently: true});
      let wasLit = false;
      const next = () => video.requestVideoFrameCallback((now, {presentationTime}) => {
        if (this.stopped) return;
        // Below all that the picture shows.
        context.drawImage(video, 0, video.videoHeight * 0.85, video.videoWidth, video.videoHeight * 0.1, 0, 0, kSide, kSide);
        const {data} = context.getImageData(0, 0, kSide, kSide);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum += data[i];
        const isLit = sum / (kSide * kSide) > kBright;
        if (isLit && !wasLit) {
          this.flashes.push(performance.timeOrigin + presentationTime);
          void this.notePlayout();
        }
        wasLit = isLit;
        next();
      });
      next();
    }

    /** By the sender reports, when what is shown and what is heard now were made. */
    async notePlayout() {
      const at = Date.now();
      const playout = {};
      (await this.connection.getStats()).forEach(({type, kind, estimatedPlayoutTimestamp}) => {
        if (type === 'inbound-rtp') playout[kind] = estimatedPlayoutTimestamp;
      });
      // The later it was made, the less it waited.
      const apart = playout.video - playout.audio;
      if (Number.isFinite(apart)) this.playout.push({at, apart});
    }

    async pollPower(receiver) {
      let before;
      let isQuiet = true;
      while (!this.stopped) {
        const at = Date.now();
        const now = [...(await receiver.getStats()).values()].find(({type}) => type === 'inbound-rtp');
        const seconds = (now?.totalSamplesDuration ?? 0) - (before?.totalSamplesDuration ?? 0);
        if (before && seconds > 0) {
          const isLoud = (now.totalAudioEnergy - before.totalAudioEnergy) / seconds > kPower;
          if (isLoud && isQuiet) this.beeps.push((before.at + at) / 2);
          isQuiet = !isLoud;
        }
        if (now && (!before || seconds > 0)) {
          const {totalSamplesDuration, totalAudioEnergy} = now;
          before = {at, totalSamplesDuration, totalAudioEnergy};
        }
        await new Promise((resolve) => setTimeout(resolve, kPollMs));
      }
    }

    stop() {
      this.stopped = true;
      void this.audio?.close();
    }
  };
}

/** How much later than each flash its beep came, from one time on. */
export function offsets({flashes, beeps}, from = 0) {
  return flashes.filter((at) => at >= from).flatMap((at) => {
    const near = beeps.map((beep) => beep - at).filter((apart) => Math.abs(apart) < kApartMaxMs);
    return near.length > 0 ? [near.reduce((a, b) => (Math.abs(a) < Math.abs(b) ? a : b))] : [];
  });
}
