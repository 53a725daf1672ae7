import {MarkerWatcher} from './marker_watcher';
import {isId, parseParameters, watchLink} from './parameters';
import {PublishPanel} from './publish_panel';
import {TestPicture} from './test_picture';
import {WatchPanel} from './watch_panel';
import {WhepClient} from './whep';
import {WhipClient} from './whip';

const parameters = parseParameters(location.search);
const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

const roomField = byId<HTMLInputElement>('room');
roomField.value = parameters.room;

/** The room in the field, or undefined after saying what is wrong with it. */
function room(): string | undefined {
  const name = roomField.value.trim();
  const valid = isId(name);
  byId('room-hint').hidden = valid;
  roomField.setAttribute('aria-invalid', String(!valid));
  if (!valid) roomField.focus();
  return valid ? name : undefined;
}

const watching = new WatchPanel(byId('watch'), room);
const publishing = new PublishPanel(byId('publish'), parameters, room);

roomField.addEventListener('input', () => {
  byId('room-hint').hidden = true;
  roomField.removeAttribute('aria-invalid');
});
roomField.addEventListener('change', () => {
  if (room() === undefined) return;
  if (watching.client) {
    watching.stop();
    watching.start();
  }
  if (publishing.client) {
    publishing.stop();
    void publishing.start();
  }
});

const share = byId<HTMLButtonElement>('share');
share.addEventListener('click', async () => {
  const name = room();
  if (name === undefined) return;
  const link = watchLink(location.href, name);
  try {
    await navigator.clipboard.writeText(link);
    share.textContent = 'Link copied';
  } catch {
    window.prompt('The link to this room', link);
  }
  window.setTimeout(() => (share.textContent = 'Copy watch link'), 2000);
});

window.addEventListener('pagehide', () => {
  watching.stop();
  publishing.stop();
});

if (parameters.layer) watching.layerChoice.value = parameters.layer;
if (parameters.publish) void publishing.start();
if (parameters.watch) watching.start();

// For scripts that drive the page, and for the curious at the console.
declare global {
  interface Window {
    simpul: unknown;
  }
}
window.simpul = {watching, publishing, WhipClient, WhepClient, TestPicture, MarkerWatcher};
