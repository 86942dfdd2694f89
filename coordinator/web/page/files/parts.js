// Pieces that several views have.
import {clean, h, name} from './dom.js';
import {count, duration, plural} from './format.js';

// A state is a word and a sign; its colour only helps.
const SIGNS = {
  pending: '○', running: '◐', succeeded: '●', failed: '✕', cancelled: '⊘', paused: '‖', finished: '●', granted: '◌', lost: '?',
  returned: '↩', superseded: '⇄', connected: '●', disconnected: '○', draining: '◐', drained: '○', quarantined: '✕',
};
export function sign(state) {
  return SIGNS[state.split(',').at(-1).trim()] ?? SIGNS[state] ?? '·';
}
export function badge(state) {
  const kind = state.split(',').at(-1).trim();
  return h('span', {class: `badge is-${clean(kind).replace(/[^a-z]/g, '')}`}, h('span', {'aria-hidden': 'true'}, sign(state)), ' ',
           clean(state));
}

const VERDICT_SIGNS = {better: '▲', worse: '▼', equivalent: '=', 'not worse': '≥', 'not shown': '~', withheld: '–'};
export function verdict(text) {
  if (!text) return h('span', {class: 'absent'}, 'not yet');
  return h('span', {class: `verdict v-${text.replace(/[^a-z]/g, '')}`},
           h('span', {'aria-hidden': 'true'}, VERDICT_SIGNS[text] ?? '·'), ' ', clean(text));
}

const STATES = ['succeeded', 'running', 'failed', 'cancelled', 'pending'];
// How far a sweep is: a bar of its trials by state, which the counts beside it say in words.
export function progress(sweep) {
  const bar = h('div', {class: 'bar', 'aria-hidden': 'true'});
  for (const state of STATES) {
    if (!sweep[state]) continue;
    const part = h('span', {class: `part is-${state}`});
    part.style.setProperty('--share', sweep[state] / Math.max(1, sweep.trials));
    bar.append(part);
  }
  const words = STATES.filter((state) => sweep[state] > 0)
    .map((state) => h('li', {}, h('span', {class: `key is-${state}`, 'aria-hidden': 'true'}, sign(state)), ` ${count(sweep[state])} ${state}`));
  return h('div', {class: 'progress'}, bar, h('ul', {class: 'counts', 'aria-label': 'Trials by state'}, words));
}

// Why pending trials wait: that all slots have something to do is as it should be.
export function waits(sweep) {
  if (sweep.state !== 'running') return [];
  return sweep.waiting.map((why) => h('p', {class: sweep.running > 0 ? 'meta' : 'waiting'}, 'Pending trials wait: ', name(why)));
}

export function timing(sweep) {
  if (sweep.finished_at) return `took ${duration(sweep.elapsed_seconds)}`;
  const left = sweep.eta_seconds === null ? '' : `, about ${duration(sweep.eta_seconds)} left`;
  return `for ${duration(sweep.elapsed_seconds)}${left}`;
}

export function problem(error) {
  return h('div', {class: 'problem', role: 'alert'}, h('strong', {}, 'This could not be shown. '), clean(error.message));
}
export function empty(...text) {
  return h('p', {class: 'empty'}, ...text);
}

// A labelled choice: options are [value, text].
export function choice(label, options, value, chosen, key = label) {
  const select = h('select', {'data-key': `choice-${key}`, onchange: () => chosen(select.value)},
                   options.map(([each, text]) => h('option', {value: each, selected: each === value}, clean(text))));
  return h('label', {class: 'choice'}, h('span', {}, label), select);
}

// "1–100 of 1,000" with a way on and back.
export function pager(from, most, all, what, go) {
  if (all <= most && from === 0) return null;
  const last = Math.min(from + most, all);
  const button = (text, to, enabled, key) =>
    h('button', {type: 'button', disabled: !enabled, 'data-key': `pager-${what}-${key}`, onclick: () => go(to)}, text);
  return h('nav', {class: 'pager', 'aria-label': `Pages of ${what}`},
           button('Back', Math.max(0, from - most), from > 0, 'back'),
           h('span', {}, `${count(Math.min(from + 1, last))}–${count(last)} of ${plural(all, what.replace(/s$/, ''), what)}`),
           button('On', from + most, last < all, 'on'));
}

// A table that may be wider than the page scrolls by itself, with the keyboard too.
export function scroller(label, key, content) {
  return h('div', {class: 'scroll', role: 'region', 'aria-label': label, tabindex: '0', 'data-key': key}, content);
}

export function facts(pairs) {
  return h('dl', {class: 'facts'}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
}

export function link(href, text, attributes) {
  return h('a', {href, ...attributes}, name(text));
}
export const sweepLink = (id, text, tab = '') => link(`#/sweeps/${id}${tab ? '/' + tab : ''}`, text);
export const trialLink = (id, text) => link(`#/trials/${id}`, text);

// What is behind '?' of a place: read, and changed without a new entry in the history.
export function placeOf(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  return {parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query)};
}
export function setQuery(changes) {
  const [path, query = ''] = location.hash.split('?');
  const next = new URLSearchParams(query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === '' || value === null || value === undefined) next.delete(key);
    else next.set(key, value);
  }
  const text = String(next);
  history.replaceState(null, '', `${path || '#/'}${text ? '?' + text : ''}`);
}
