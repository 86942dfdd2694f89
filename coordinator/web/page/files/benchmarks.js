// What a summary costs by itself: by `sweepctl bench`.
import {clean, h, name} from './dom.js';
import {ABSENT, compact, fixed, milliseconds} from './format.js';
import {scroller} from './parts.js';

const HEADS = ['Configuration', 'Adapter', 'One summary, p50', 'p95', 'Tokens each', 'Extra tokens', 'Batch', 'Its tokens/s'];

function cells(row) {
  return [row.variant === 'base' ? ABSENT : row.variant, milliseconds(row.latency_p50_seconds), milliseconds(row.latency_p95_seconds),
          fixed(row.tokens_per_summary, 0), row.extra_tokens || ABSENT, row.batch, compact(Math.round(row.tokens_per_second))];
}

export function benchmarks(rows) {
  if (!rows.length) return [];
  const on = rows[0];
  return [
    h('h3', {}, 'What a summary costs'),
    h('p', {class: 'meta'}, `Measured by sweepctl bench with no trial beside, on ${clean(on.device_model)} (${clean(on.hostname)}`,
      on.device === 'cpu' ? `, ${on.threads} thread${on.threads === 1 ? '' : 's'}` : '', `), ${clean(on.precision)}, beams ${on.beams}, ${on.documents} documents, `,
      `${on.measured_at.slice(0, 10)}. A full fine-tuning's model is as fast as the base model at summaries as long.`),
    scroller('What a summary costs', 'benchmarks', h('table', {}, h('caption', {class: 'unseen'}, 'What a summary costs'),
      h('thead', {}, h('tr', {}, HEADS.map((text, i) => h('th', {scope: 'col', class: i > 1 ? 'number' : undefined}, text)))),
      h('tbody', {}, rows.map((row) => h('tr', {}, h('th', {scope: 'row'}, row.variant === 'base' ? 'base model' : name(row.configuration)),
        cells(row).map((text, i) => h('td', {class: i ? 'number' : undefined}, String(text)))))))),
  ];
}
