// All sweeps: state, progress, what is left.
import {h, name, replace} from './dom.js';
import {plural, time} from './format.js';
import {badge, empty, progress, timing, waits} from './parts.js';
import {ask} from './server.js';

const KEPT = 200;  // sweeps shown at first

function card(sweep) {
  return h('li', {class: 'card'},
    h('div', {class: 'card-head'}, h('h2', {}, h('a', {href: `#/sweeps/${sweep.id}`, 'data-key': sweep.id}, name(sweep.name))),
      badge(sweep.state)),
    progress(sweep),
    h('p', {class: 'meta'}, `${plural(sweep.trials, 'trial')} · submitted ${time(sweep.submitted_at)} UTC · `,
      h('span', {class: 'timing'}, timing(sweep)), sweep.priority ? ` · priority ${sweep.priority}` : null),
    waits(sweep).slice(0, 1));
}

export async function show(place) {
  const list = h('div', {});
  let all = false;
  async function load() {
    const {sweeps} = await ask('sweeps');
    const open = sweeps.filter((sweep) => sweep.state === 'running' || sweep.state === 'paused');
    const ended = sweeps.filter((sweep) => !open.includes(sweep));
    const shown = all ? ended : ended.slice(0, KEPT);
    replace(list, sweeps.length === 0
      ? empty('No sweep yet. ', h('code', {}, 'sweepctl submit FILE'), ' submits one.')
      : [open.length ? h('ul', {class: 'cards', 'aria-label': 'Sweeps that run or are paused'}, open.map(card)) : null,
         open.length && ended.length ? h('h2', {class: 'divider'}, 'Ended') : null,
         h('ul', {class: 'cards', 'aria-label': 'Sweeps that have ended'}, shown.map(card)),
         shown.length < ended.length ? h('button', {type: 'button', onclick: () => { all = true; load(); }},
           `Show all ${ended.length}`) : null]);
  }
  place.append(h('h1', {}, 'Sweeps'), list);
  await load();
  return {title: 'Sweeps', refresh: load};
}
