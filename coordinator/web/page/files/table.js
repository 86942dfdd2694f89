// The results: a row a configuration, beside the baseline.
import {clean, h, name, svg} from './dom.js';
import {ABSENT, bytes, compact, duration, fixed, METRICS, percent, signed} from './format.js';
import {benchmarks} from './benchmarks.js';
import {pager, scroller, verdict} from './parts.js';

const ROWS = 100;

// The difference with its interval, on the scale of the whole table; what it says stands beside it in figures.
function interval(difference, compared, scale, margin) {
  if (difference === null) return null;
  const x = (value) => 72 + 68 * Math.max(-1, Math.min(1, value / scale));
  return svg('svg', {class: 'interval', viewBox: '0 0 144 22', 'aria-hidden': 'true'},
    margin ? svg('rect', {class: 'margin', x: x(-margin), width: Math.max(0, x(margin) - x(-margin)), y: 1, height: 20}) : null,
    svg('line', {class: 'zero', x1: 72, x2: 72, y1: 1, y2: 21}),
    compared && compared.low !== null ? svg('line', {class: 'span', x1: x(compared.low), x2: x(compared.high), y1: 11, y2: 11}) : null,
    svg('circle', {class: 'point', cx: x(difference), cy: 11, r: 4}));
}

function mean(row, metric) {
  const value = row[`${metric}_mean`];
  if (value === null) return h('td', {class: 'number absent'}, ABSENT);
  const sd = row[`${metric}_sd`];
  return h('td', {class: 'number'}, fixed(value), sd === null ? null : h('span', {class: 'sd'}, ` ± ${fixed(sd)}`));
}

// By a metric that came from outside, in its own unit: one from 0 to 1 takes more digits than one in percent.
function digitsOf(rows, metric) {
  return Math.max(0, ...rows.map((row) => Math.abs(row[`${metric}_mean`] ?? 0))) < 2 ? 4 : 2;
}

function other(row, metric, digits) {
  const value = row[`${metric}_mean`];
  if (value === null) return h('td', {class: 'number absent'}, ABSENT);
  const [sd, difference, low, high] = ['sd', 'difference', 'low', 'high'].map((part) => row[`${metric}_${part}`]);
  return h('td', {class: 'number'}, fixed(value, digits), sd === null ? null : h('span', {class: 'sd'}, ` ± ${fixed(sd, digits)}`),
    difference === null ? null : h('div', {class: 'meta'}, `Δ ${signed(difference, digits)}`,
      low === null ? null : ` [${signed(low, digits)}, ${signed(high, digits)}]`));
}

// Of somebody else's: where it is from.
function source(row) {
  if (!row.source) return null;
  return h('div', {class: 'meta'}, `${row.arm === 'imported' ? 'imported, tested' : 'not of this sweep, not tested'}; from ${clean(row.source)}`);
}

function seeds(row) {
  if (row.source && !row.seeds) return ABSENT;
  if (row.source) return String(row.seeds);
  const more = [...row.failures, row.running ? `${row.running} running` : ''].filter(Boolean).join(', ');
  return `${row.seeds === row.planned ? row.seeds : `${row.seeds}/${row.planned}`}${more ? ', ' + more : ''}`;
}

export function resultTable(read, sorting, sorted) {
  const {metric, margin, rows: compared} = read.comparisons;
  const baseline = read.rows.find((row) => row.baseline)?.[`${metric}_mean`] ?? null;
  const rows = read.rows.map((row, position) => {
    const its = compared[row.configuration] ?? null;
    const own = row.baseline || baseline === null || row[`${metric}_mean`] === null ? null : row[`${metric}_mean`] - baseline;
    return {...row, position, compared: its, difference: row.baseline ? null : its?.difference ?? own};
  });
  const scale = Math.max(0.5, margin ?? 0, ...rows.filter((row) => !row.reference).flatMap((row) => [row.difference, row.compared?.low, row.compared?.high]
    .filter((value) => typeof value === 'number').map(Math.abs)));
  const columns = [
    {key: 'configuration', text: 'Configuration'},
    {key: 'seeds', text: 'Seeds'},
    ...['rouge1', 'rouge2', 'rougeL', 'rougeLsum'].map((each) => ({key: `${each}_mean`, text: METRICS[each], number: true,
                                                                   cell: (row) => mean(row, each)})),
    ...read.metrics.map((each) => ({key: `${each}_mean`, text: clean(each), number: true, cell: (row) => other(row, each, digitsOf(read.rows, each))})),
    {key: 'difference', text: `Δ ${METRICS[metric]}`, number: true, cell: (row) => h('td', {class: 'number'}, row.baseline ? 'baseline' :
      signed(row.difference), row.compared && row.compared.low !== null
      ? h('span', {class: 'sd'}, ` [${signed(row.compared.low)}, ${signed(row.compared.high)}]`) : null)},
    {text: 'Interval', cell: (row) => h('td', {}, interval(row.difference, row.compared, scale, margin))},
    {text: 'Verdict', cell: (row) => h('td', {}, row.baseline || row.reference ? null : verdict(row.compared?.verdict),
      row.compared?.reason ? h('div', {class: 'meta reason'}, clean(row.compared.reason)) : null)},
    {key: 'trainable_share', text: 'Trained', number: true, cell: (row) => h('td', {class: 'number'}, percent(row.trainable_share))},
    {key: 'train_seconds', text: 'Training', number: true, cell: (row) => h('td', {class: 'number'}, duration(row.train_seconds))},
    {key: 'generated_tokens_per_second', text: 'Tokens/s', number: true,
     cell: (row) => h('td', {class: 'number'}, compact(row.generated_tokens_per_second === null ? null : Math.round(row.generated_tokens_per_second)))},
    {key: 'peak_memory_bytes', text: 'Peak memory', number: true, cell: (row) => h('td', {class: 'number'}, bytes(row.peak_memory_bytes))},
    {key: 'adapter_bytes', text: 'Adapter', number: true, cell: (row) => h('td', {class: 'number'}, bytes(row.adapter_bytes))},
  ];
  const by = columns.some((column) => column.key === sorting.by) ? sorting.by : 'position';
  rows.sort((a, b) => {
    const [x, y] = [a[by], b[by]];
    if (x === null || y === null) return (x === null) - (y === null) || a.position - b.position;
    const order = typeof x === 'string' ? x.localeCompare(y) : x - y;
    return (sorting.down ? -order : order) || a.position - b.position;
  });
  const window = rows.slice(sorting.from, sorting.from + ROWS);
  const sort = (key) => () => {
    // Down, up, and back to the table's own order.
    if (sorting.by !== key) Object.assign(sorting, {by: key, down: true});
    else if (sorting.down) sorting.down = false;
    else sorting.by = 'position';
    sorting.from = 0;
    sorted();
  };
  const heads = columns.map(({key, text, number}) => h('th', {scope: 'col', class: number ? 'number' : undefined,
    'aria-sort': key && by === key ? (sorting.down ? 'descending' : 'ascending') : undefined},
  key ? h('button', {type: 'button', 'data-key': `sort-${key}`, onclick: sort(key)}, text) : text));
  const body = window.map((row) => h('tr', {class: row.baseline ? 'baseline' : undefined}, columns.map(({key, cell}, i) => {
    if (i === 0) return h('th', {scope: 'row'}, name(row.configuration), source(row));
    if (key === 'seeds') return h('td', {}, seeds(row));
    return cell(row);
  })));
  return [
    h('p', {class: 'meta'}, 'Test split, percent, mean ± standard deviation over seeds. ',
      `Δ: ROUGE points against the baseline, with its 95 % interval once it is tested${margin ? `; the shaded band is ±${margin}, what counts as equivalent` : ''}. Tokens/s: of generating.`),
    scroller('Results by configuration', 'results', h('table', {}, h('caption', {class: 'unseen'}, 'Results by configuration'),
      h('thead', {}, h('tr', {}, heads)), h('tbody', {}, body))),
    pager(sorting.from, ROWS, rows.length, 'rows', (to) => { sorting.from = to; sorted(); }),
    ...benchmarks(read.benchmarks),
  ];
}
