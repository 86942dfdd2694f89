// The workers: slots, devices, memory, what runs, quarantine.
import {h, name, replace} from './dom.js';
import {ago, bytes, plural} from './format.js';
import {badge, empty, facts} from './parts.js';
import {ask} from './server.js';

function slots(worker) {
  const groups = new Map();
  for (const slot of worker.slots) {
    const key = JSON.stringify([slot.device_model || slot.device, slot.memory_bytes, slot.threads, slot.kind]);
    groups.set(key, [...(groups.get(key) ?? []), slot]);
  }
  return h('ul', {class: 'slots'}, [...groups.values()].map((same) => h('li', {},
    h('strong', {}, `${same.length} × `), name(same[0].device_model || same[0].device),
    h('span', {class: 'meta'}, ` ${[same[0].memory_bytes ? bytes(same[0].memory_bytes) : '',
      same[0].threads ? plural(same[0].threads, 'thread') : ''].filter(Boolean).join(', ')}`),
    same.filter((slot) => slot.quarantine).map((slot) => h('p', {class: 'waiting'}, name(slot.device), ' is not offered: ',
      name(slot.quarantine))))));
}

function card(worker, now) {
  const labels = Object.entries(worker.labels);
  return h('li', {class: 'card'},
    h('div', {class: 'card-head'}, h('h2', {}, name(worker.hostname)), badge(worker.state)),
    h('p', {class: 'busy'}, h('strong', {}, `${worker.slots_busy} of ${worker.slots.length}`), ' slots busy'),
    slots(worker),
    worker.quarantine ? h('p', {class: 'problem'}, 'Quarantined: ', name(worker.quarantine)) : null,
    worker.barred.map((why) => h('p', {class: 'waiting'}, 'Gets nothing of ', name(why))),
    worker.trials.length
      ? [h('h3', {}, 'Runs'), h('ul', {class: 'plain'}, worker.trials.slice(0, 64).map((trial) => h('li', {}, name(trial))),
         worker.trials.length > 64 ? h('li', {}, `and ${worker.trials.length - 64} more`) : null)] : null,
    facts([['Heard of', ago(worker.last_seen_at, now)], ['Build', name(worker.build)], ['Id', name(worker.id)],
           ['Labels', labels.length ? name(labels.map(([key, value]) => `${key}=${value}`).join(', ')) : null]]));
}

export async function show(place) {
  const list = h('div', {});
  async function load() {
    const {workers, now} = await ask('workers');
    const here = (worker) => !worker.state.startsWith('disconnected');
    const sorted = [...workers].sort((a, b) => here(b) - here(a) || a.hostname.localeCompare(b.hostname));
    replace(list, workers.length === 0
      ? empty('No worker has connected yet. ', h('code', {}, 'sweep-worker --coordinator ADDR:PORT --dir DIR'), ' starts one on a host.')
      : [h('p', {class: 'meta'}, `${plural(workers.filter(here).length, 'worker')} connected, `,
           `${workers.filter(here).reduce((sum, worker) => sum + worker.slots_busy, 0)} of `,
           `${plural(workers.filter(here).reduce((sum, worker) => sum + worker.slots.length, 0), 'slot')} busy`),
         h('ul', {class: 'cards narrow'}, sorted.map((worker) => card(worker, now)))]);
  }
  place.append(h('h1', {}, 'Workers'), list);
  await load();
  return {title: 'Workers', refresh: load};
}
