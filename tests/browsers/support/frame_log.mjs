/**
 * Runs inside a page, before its own scripts. A FrameLog keeps how wide the frames of a <video> are
 * that are shown, and where one came late. Times are those of Date.now(), read when a frame is
 * shown and not when a busy page gets to hear of it; `skippedMs` are by the picture's own clock.
 */
export function installFrameLog() {
  const kLateMs = 100;
  const kTicksPerMs = 90;
  window.FrameLog = class {
    constructor(video) {
      this.video = video;
      this.widths = [];
      this.late = [];
      this.next();
    }
    next() {
      this.video.requestVideoFrameCallback((now, frame) => {
        if (this.stopped) return;
        this.take(frame);
        this.next();
      });
    }
    take({presentationTime, presentedFrames, width, rtpTimestamp}) {
      const {last} = this;
      const at = performance.timeOrigin + presentationTime;
      this.last = {at, presentedFrames, width, rtpTimestamp};
      if (!last) return void this.widths.push({at, width});
      // Those that this page was not told of were shown in between.
      const steps = Math.max(presentedFrames - last.presentedFrames, 1);
      const ms = (at - last.at) / steps;
      if (last.width !== width) {
        const skipped = rtpTimestamp === undefined ? undefined : (rtpTimestamp - last.rtpTimestamp) / kTicksPerMs;
        this.widths.push({at, width, ms: Math.round(ms), skippedMs: skipped && Math.round(skipped / steps)});
      }
      if (ms > kLateMs) this.late.push({at, ms: Math.round(ms), from: last.width, to: width});
    }
    stop() {
      this.stopped = true;
    }
  };
}
