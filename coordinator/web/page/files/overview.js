// The sentence, the grid as a heat map, the table.
import {h, name, replace} from './dom.js';
import {METRICS} from './format.js';
import {choice, pager, setQuery} from './parts.js';
import {ask} from './server.js';
import {heatMap} from './heat.js';
import {resultTable} from './table.js';

const ROWS = 100;

export async function show(place, sweep, query) {
  let metric = METRICS[query.get('metric')] ? query.get('metric') : 'rouge1';
  let from = Math.max(0, Number(query.get('from')) || 0);
  const sorting = {by: query.get('sort') ?? 'position', down: query.get('down') === '1', from: 0};
  const answer = h('div', {});
  const grid = h('div', {});
  const table = h('div', {});
  const scores = Object.entries(METRICS);

  async function loadGrid() {
    const read = await ask(`sweeps/${sweep.id}/grid`, {metric, from, most: ROWS});
    replace(grid, [
      h('div', {class: 'controls'}, choice('Cells show', scores, metric, (value) => {
        metric = value;
        setQuery({metric: value === 'rouge1' ? '' : value});
        return Promise.all([loadGrid(), ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'].includes(value) ? loadTable() : null]);
      }, 'metric')),
      heatMap(read, metric),
      pager(from, ROWS, read.configurations, 'configurations', (to) => { from = to; setQuery({from: to || ''}); return loadGrid(); }),
    ]);
  }
  async function loadTable() {
    const shown = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'].includes(metric) ? metric : 'primary';
    const read = await ask(`sweeps/${sweep.id}/table`, {metric: shown});
    replace(answer, [read.answer ? h('p', {class: 'answer'}, name(read.answer)) : null,
      read.notes.length ? h('p', {class: 'meta'}, 'Differences between arms, and other notes: ', read.notes.map((note, i) => [i ? ' · ' : '', name(note)])) : null]);
    const draw = () => replace(table, resultTable(read, sorting, () => {
      setQuery({sort: sorting.by === 'position' ? '' : sorting.by, down: sorting.down ? 1 : ''});
      draw();
    }));
    draw();
  }

  place.append(answer, h('h2', {}, 'Trials: configuration by seed'), grid, h('h2', {}, 'Results'), table);
  await Promise.all([loadGrid(), loadTable()]);
  return {
    refresh: (_, rows) => Promise.all([loadGrid(), rows ? loadTable() : null]),
  };
}
