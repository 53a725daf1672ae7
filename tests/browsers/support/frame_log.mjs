/**
 * Runs inside a page, before its own scripts. A FrameLog keeps how wide the frames of a <video> are
 * that are shown, and where one came late. Times are those of Date.now(), read when a frame is
 * shown and not when a busy page gets to hear of it.
 */
export function installFrameLog() {
  const kLateMs = 100;
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
    take({presentationTime, presentedFrames, width}) {
      const {last} = this;
      const at = performance.timeOrigin + presentationTime;
      this.last = {at, presentedFrames, width};
      if (!last) return void this.widths.push({at, width});
      // Those that this page was not told of were shown in between.
      const ms = (at - last.at) / Math.max(presentedFrames - last.presentedFrames, 1);
      if (last.width !== width) this.widths.push({at, width, ms: Math.round(ms)});
      if (ms > kLateMs) this.late.push({at, ms: Math.round(ms), from: last.width, to: width});
    }
    stop() {
      this.stopped = true;
    }
  };
}
