// What has happened to a sweep, the newest first.
import {h, replace} from './dom.js';
import {empty} from './parts.js';
import {historyList} from './events.js';
import {ask} from './server.js';

export async function show(place, sweep) {
  const list = h('div', {});
  let most = 100;
  async function load() {
    const read = await ask(`sweeps/${sweep.id}/events`, {most});
    replace(list, read.items.length ? [historyList(read.items, 'History', true),
      read.more && most < 500 ? h('button', {type: 'button', 'data-key': 'older', onclick: () => { most = Math.min(500, most + 200); return load(); }}, 'Show older') : null,
      read.more && most >= 500 ? h('p', {class: 'meta'}, 'Older events are in each trial’s own history and in the database.') : null]
      : empty('Nothing has happened yet.'));
  }
  place.append(list);
  await load();
  return {refresh: (_, rows) => (rows ? load() : null)};
}
