// A worker, since a page that is not in front has its own timers slowed to one a second. Ticks just
// after each change of the marker's counter.
import {kFramesPerSecond} from './marker';

const kAfterChangeMs = 2;

function schedule(): void {
  const now = Date.now();
  const period = 1000 / kFramesPerSecond;
  const next = (Math.floor(now / period) + 1) * period + kAfterChangeMs;
  setTimeout(() => {
    postMessage(0);
    schedule();
  }, next - now);
}

schedule();
