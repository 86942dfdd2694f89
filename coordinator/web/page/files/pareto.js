// Quality beside what it costs: who is on the front is beaten by nobody in both.
import {colour, Drawing, shape} from './charts.js';
import {clean, h, replace} from './dom.js';
import {bytes, compact, count, duration, fixed, METRICS} from './format.js';
import {choice, empty, setQuery} from './parts.js';
import {ask} from './server.js';

const SCORES = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'];

function costText(panel, value) {
  if (value === null) return '–';
  if (panel.unit === 's') return value < 10 ? `${compact(value)} s` : duration(value);
  if (panel.unit === 'B') return bytes(value);
  return panel.unit ? `${compact(value)} ${panel.unit}` : count(value);
}

export async function show(place, sweep, query) {
  let metric = SCORES.includes(query.get('metric')) ? query.get('metric') : 'primary';
  const controls = h('div', {class: 'controls'});
  const said = h('p', {class: 'meta'});
  const none = h('div', {});
  const body = h('div', {class: 'charts'});
  const drawings = new Map();

  async function load() {
    const read = await ask(`sweeps/${sweep.id}/pareto`, {metric});
    replace(controls, choice('Metric', SCORES.map((each) => [each, METRICS[each]]), read.metric, (value) => {
      metric = value;
      setQuery({metric});
      return load();
    }, 'metric'));
    const panels = read.panels.filter((panel) => panel.points.some((point) => point.cost !== null && point.score.mean !== null));
    replace(none, panels.length ? null : empty('No costs yet: they come with the first results, where all ran on one device model.'));
    const alone = read.benchmark_device_model ? ` (summaries alone on ${clean(read.benchmark_device_model)})` : '';
    said.textContent = read.device_models.length ? `Measured on ${read.device_models.map(clean).join(', ')}${alone}. Filled points, along the dashed line, are the front: nothing beats them in both. Hollow points are beaten.` : '';
    await Promise.all(panels.map((panel) => draw(panel, read)));
  }

  async function draw(panel, read) {
    const title = `${METRICS[read.metric]} and ${panel.label}`;
    if (!drawings.has(panel.name)) {
      drawings.set(panel.name, new Drawing(title));
      body.append(drawings.get(panel.name).figure);
    }
    const drawing = drawings.get(panel.name);
    drawing.caption.textContent = `${title}${panel.more_is_better ? ' (more is better)' : ' (less is better)'}`;
    const known = panel.points.filter((point) => point.cost !== null && point.score.mean !== null);
    const costs = known.map((point) => point.cost).filter((cost) => cost > 0);
    const log = costs.length > 1 && Math.max(...costs) / Math.min(...costs) > 20;
    // A logarithm has no place for what costs nothing.
    const points = log ? known.filter((point) => point.cost > 0) : known;
    const free = known.filter((point) => !points.includes(point));
    if (free.length) drawing.caption.textContent += `; for nothing, and not drawn: ${free.map((point) => `${clean(point.configuration).slice(0, 40)} ${fixed(point.score.mean)}`).join(', ')}`;
    const arms = [...new Set(points.map((point) => point.arm))];
    const all = [...new Set(panel.points.map((point) => point.arm))];  // an arm looks the same in every plot
    drawing.canvas.setAttribute('aria-label', `${title} of ${points.length} configurations; the numbers are below`);
    await drawing.draw({
      type: 'line',
      sets: () => [
        {label: 'front', data: points.filter((point) => point.front).sort((a, b) => a.cost - b.cost).map((point) => ({x: point.cost, y: point.score.mean})),
         borderColor: getComputedStyle(document.documentElement).getPropertyValue('--muted'), borderWidth: 1.5, borderDash: [4, 3], pointRadius: 0, pointHitRadius: 0},
        ...arms.map((arm) => {
          const i = all.indexOf(arm);
          const own = points.filter((point) => point.arm === arm);
          return {label: arm, showLine: false, own, data: own.map((point) => ({x: point.cost, y: point.score.mean})), pointStyle: shape(i), pointRadius: 6,
                  borderColor: colour(i), borderWidth: 2,
                  pointBackgroundColor: own.map((point) => (point.front ? colour(i) : 'transparent')), backgroundColor: colour(i)};
        }),
      ],
      x: {text: panel.label, more: {type: log ? 'logarithmic' : 'linear', ticks: {
        color: getComputedStyle(document.documentElement).getPropertyValue('--muted'), maxTicksLimit: 6, maxRotation: 0, autoSkipPadding: 16,
        callback: (value) => costText(panel, value)}}},
      y: {text: `${METRICS[read.metric]}, percent`},
      tips: {title: () => '', label: (item) => (item.dataset.own
        ? `${clean(item.dataset.own[item.dataIndex].configuration).slice(0, 60)}: ${fixed(item.parsed.y)}, ${costText(panel, item.parsed.x)}` : '')},
    });
    drawing.table(panel.name, ['Configuration', METRICS[read.metric], panel.label, 'On the front'],
      panel.points.map((point) => [point.configuration, fixed(point.score.mean), costText(panel, point.cost), point.front ? 'yes' : 'no']));
  }

  place.append(controls, said, none, body);
  await load();
  return {refresh: (_, rows) => (rows ? load() : null)};
}
