// The grid of trials, configuration by seed. Each cell is a link to its trial and says its value or state in words; the
// colour only helps. One stop of the Tab key: the arrows walk inside.
import {clean, h, name} from './dom.js';
import {METRICS, metricValue} from './format.js';
import {scroller, sign} from './parts.js';

const STEPS = 7;
const REFERENCES = ['zero_shot', 'lead'];

function stepOf(value, low, high) {
  if (high === low) return Math.floor(STEPS / 2);
  return Math.min(STEPS - 1, Math.floor((value - low) / (high - low) * STEPS));
}

function short(metric, value) {
  if (metric === 'train_seconds' || metric === 'peak_memory_bytes') return metricValue(metric, value).replace(/ \d\d s$/, '');
  return metricValue(metric, value);
}

function cell(read, row, [trial, seed, state, value, failure], metric) {
  const running = state === 'running' ? read.progress[trial] : null;
  const share = running && running.total > 0 ? Math.floor(100 * running.step / running.total) : null;
  const place = `${row.configuration}, ${REFERENCES.includes(row.arm) ? 'once' : `seed ${seed}`}`;
  let text;
  let style;
  if (state === 'succeeded' && value !== null) {
    text = short(metric, value);
    style = `heat-${stepOf(value, read.low, read.high)}`;
  } else {
    text = share !== null ? `${sign('running')} ${share} %` : sign(state);
    style = `is-${state}`;
  }
  const words = state === 'succeeded' && value !== null ? `${METRICS[metric]} ${metricValue(metric, value)}${row.candidate ? ' on validation' : ''}`
    : [state, failure, share === null ? '' : `${running.phase} ${share} %`].filter(Boolean).join(', ');
  return h('td', {}, h('a', {href: `#/trials/${trial}`, class: `cell ${style}`, tabindex: '-1', 'data-key': trial,
                             'aria-label': clean(`${place}: ${words}`), title: clean(words)}, text));
}

// Arrow keys, Home and End among the cells' links; the last one that was visited is the one that Tab comes to.
function walk(table) {
  const cells = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((each) => each.firstElementChild));
  const all = cells.flat().filter(Boolean);
  if (all.length) all[0].tabIndex = 0;
  table.addEventListener('focusin', (event) => {
    if (!event.target.classList.contains('cell')) return;
    for (const each of all) each.tabIndex = -1;
    event.target.tabIndex = 0;
  });
  table.addEventListener('keydown', (event) => {
    const y = cells.findIndex((row) => row.includes(event.target));
    if (y < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const x = cells[y].indexOf(event.target);
    const along = (dx, dy) => {
      for (let [to, row] = [x + dx, y + dy]; row >= 0 && row < cells.length && to >= 0 && to < cells[row].length; to += dx, row += dy) {
        if (cells[row][to]) return cells[row][to];
      }
      return null;
    };
    const found = {ArrowRight: () => along(1, 0), ArrowLeft: () => along(-1, 0), ArrowDown: () => along(0, 1), ArrowUp: () => along(0, -1),
                   Home: () => cells[y].find(Boolean), End: () => cells[y].findLast(Boolean)}[event.key];
    if (!found) return;
    event.preventDefault();
    found()?.focus();
  });
}

function legend(read, metric) {
  if (read.low === null) return h('p', {class: 'legend'}, 'No result yet: cells show their trials’ states.');
  return h('p', {class: 'legend'}, METRICS[metric], ' ', metricValue(metric, read.low),
           h('span', {'aria-hidden': 'true', class: 'legend'}, [...Array(STEPS).keys()].map((step) => h('span', {class: `cell heat-${step}`}))),
           metricValue(metric, read.high), ' · ',
           ['pending', 'running', 'failed', 'cancelled'].map((state) => `${sign(state)} ${state}`).join(', '),
           read.rows.some((row) => row.candidate) ? ' · In italics: what settings are chosen from, on validation.' : '');
}

export function heatMap(read, metric) {
  const once = read.seeds.filter((seed) => read.rows.every((row) => REFERENCES.includes(row.arm) ||
    !row.cells.some((each) => each[1] === seed)));
  const columns = [...read.seeds.filter((seed) => !once.includes(seed)), ...once];
  const table = h('table', {class: 'heat'},
    h('caption', {class: 'unseen'}, `${METRICS[metric]} or state of each trial; the arrow keys walk from cell to cell`),
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Configuration'),
      columns.map((seed) => h('th', {scope: 'col'}, once.includes(seed) ? 'once' : `seed ${seed}`)))),
    h('tbody', {}, read.rows.map((row) => {
      const bySeed = new Map(row.cells.map((each) => [each[1], each]));
      return h('tr', row.candidate ? {class: 'tried'} : {}, h('th', {scope: 'row'}, name(row.configuration)),
        columns.map((seed) => (bySeed.has(seed) ? cell(read, row, bySeed.get(seed), metric) : h('td', {}))));
    })));
  walk(table);
  return [legend(read, metric), scroller('Trials, configuration by seed', 'grid', table)];
}
