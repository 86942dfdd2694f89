// A sweep's trials, a page at a time: ten thousand of them are a hundred pages.
import {clean, h, name, replace} from './dom.js';
import {clock, duration, fixed, secondsBetween} from './format.js';
import {badge, choice, empty, pager, scroller, setQuery, trialLink} from './parts.js';
import {ask} from './server.js';

const ROWS = 100;
const STATES = [['', 'any'], ['pending', 'pending'], ['running', 'running'], ['succeeded', 'succeeded'], ['failed', 'failed'],
                ['cancelled', 'cancelled']];

function took(item) {
  if (!item.started_at) return '–';
  return item.ended_at ? duration(secondsBetween(item.started_at, item.ended_at)) : `since ${clock(item.started_at)}`;
}

function row(item, progress) {
  const share = progress && progress.total > 0 ? ` ${Math.floor(100 * progress.step / progress.total)} %` : '';
  return h('tr', {}, h('th', {scope: 'row'}, trialLink(item.id, item.name)),
    h('td', {}, badge(item.state), share, item.failure_kind ? h('div', {class: 'meta'}, clean(item.failure_kind)) : null),
    h('td', {class: 'number'}, fixed(item.rouge1)), h('td', {class: 'number'}, fixed(item.rouge2)),
    h('td', {class: 'number'}, fixed(item.rougeL)),
    h('td', {class: 'number'}, item.attempts || '–'),
    h('td', {}, item.worker ? name(item.worker) : '–', item.device ? h('span', {class: 'meta'}, ' ', clean(item.device)) : null),
    h('td', {class: 'number'}, took(item)));
}

export async function show(place, sweep, query) {
  let from = Math.max(0, Number(query.get('from')) || 0);
  let state = query.get('state') ?? '';
  let text = query.get('text') ?? '';
  let typing = 0;
  const list = h('div', {});
  const go = (changes) => {
    ({from = 0, state = state, text = text} = changes);
    setQuery({from: from || '', state, text});
    return load();
  };
  async function load() {
    const read = await ask(`sweeps/${sweep.id}/trials`, {from, most: ROWS, state, text});
    replace(list, read.items.length === 0 ? empty('No trial is like that.') : [
      scroller('Trials', 'trials', h('table', {}, h('caption', {class: 'unseen'}, 'Trials'),
        h('thead', {}, h('tr', {}, ['Trial', 'State'].map((each) => h('th', {scope: 'col'}, each)),
          ['ROUGE-1', 'ROUGE-2', 'ROUGE-L', 'Attempts'].map((each) => h('th', {scope: 'col', class: 'number'}, each)),
          h('th', {scope: 'col'}, 'Worker'), h('th', {scope: 'col', class: 'number'}, 'Took'))),
        h('tbody', {}, read.items.map((item) => row(item, read.progress[item.id]))))),
      pager(from, ROWS, read.trials, 'trials', (to) => go({from: to})),
    ]);
  }
  const filter = h('input', {type: 'search', value: text, maxlength: 200, oninput: () => {
    clearTimeout(typing);
    typing = setTimeout(() => go({text: filter.value}), 250);
  }});
  place.append(h('div', {class: 'controls'}, choice('State', STATES, state, (value) => go({state: value})),
    h('label', {class: 'choice'}, h('span', {}, 'Name contains'), filter)), list);
  await load();
  return {refresh: load};
}
