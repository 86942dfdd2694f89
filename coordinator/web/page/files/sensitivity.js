// How the score goes with a rank or a number of prompt tokens: means with their 95 % intervals, beside the baseline's.
import {colour, dash, Drawing, shape} from './charts.js';
import {clean, h, replace} from './dom.js';
import {fixed, METRICS} from './format.js';
import {choice, empty, setQuery} from './parts.js';
import {ask} from './server.js';

const SCORES = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'];

// One picture an arm and axis; a line for each way in which the other axes are held.
function panels(lines) {
  const found = new Map();
  for (const line of lines) {
    const key = JSON.stringify([line.arm, line.axis]);
    found.set(key, [...(found.get(key) ?? []), line]);
  }
  return [...found.values()];
}

export async function show(place, sweep, query) {
  let metric = SCORES.includes(query.get('metric')) ? query.get('metric') : 'primary';
  const controls = h('div', {class: 'controls'});
  const body = h('div', {class: 'charts'});
  const none = h('div', {});
  const drawings = new Map();

  async function load() {
    const read = await ask(`sweeps/${sweep.id}/sensitivity`, {metric});
    replace(controls, choice('Metric', SCORES.map((each) => [each, METRICS[each]]), read.metric, (value) => {
      metric = value;
      setQuery({metric});
      return load();
    }, 'metric'));
    const shown = panels(read.lines);
    replace(none, shown.length ? null : empty('No arm of this sweep has an axis to draw.'));
    await Promise.all(shown.map((lines) => draw(lines, read)));
  }

  async function draw(lines, read) {
    const {arm, axis} = lines[0];
    const key = JSON.stringify([arm, axis]);
    const title = `${clean(arm)}: ${METRICS[read.metric]} by ${clean(axis)}`;
    if (!drawings.has(key)) {
      drawings.set(key, new Drawing(title));
      body.append(drawings.get(key).figure);
    }
    const drawing = drawings.get(key);
    drawing.caption.textContent = title;
    drawing.canvas.setAttribute('aria-label', `${title}, means over seeds with 95 % intervals; the numbers are below`);
    const numeric = lines.every((line) => line.points.every((point) => point.number !== null));
    const values = [...new Set(lines.flatMap((line) => line.points.map((point) => point.value)))];
    const log = numeric && lines.every((line) => line.points.every((point) => point.number > 0)) &&
      lines.some((line) => line.points.length > 2 && line.points.at(-1).number / line.points[0].number >= 8);
    const ticks = new Set(lines.flatMap((line) => line.points.map((point) => point.number)));
    const held = lines.length > 1;
    await drawing.draw({
      sets: () => lines.map((line, i) => {
        const points = line.points.filter((point) => point.score.mean !== null);
        return {
          label: held && line.held ? line.held : `${arm}, mean and 95 % interval`,
          data: points.map((point) => ({x: numeric ? point.number : values.indexOf(point.value), y: point.score.mean})),
          whiskers: points.map((point) => point.score), borderColor: colour(i), backgroundColor: colour(i), pointStyle: shape(i),
          borderDash: dash(i), pointRadius: 5, borderWidth: 2,
        };
      }),
      x: {text: axis, more: {type: log ? 'logarithmic' : 'linear', offset: true, ...(numeric
        ? {ticks: {color: getComputedStyle(document.documentElement).getPropertyValue('--muted'), autoSkip: false,
                   callback: (value) => (ticks.has(value) ? String(value) : null)},
           afterBuildTicks: (scale) => { if (ticks.size <= 12) scale.ticks = [...ticks].sort((a, b) => a - b).map((value) => ({value})); }}
        : {ticks: {stepSize: 1, callback: (value) => values[value] ?? ''}})}},
      // Whiskers belong to the picture as the points do.
      y: {text: `${METRICS[read.metric]}, test, percent`, more: range(lines, read)},
      band: {...read.baseline_score, text: `baseline: ${read.baseline}`},
      legend: true,
      tips: {title: () => '', label: (item) => `${clean(axis)} ${numeric ? item.parsed.x : values[item.parsed.x]}: ${fixed(item.parsed.y)}`},
    });
    drawing.table(key, [axis, 'Held', 'Seeds', 'Mean', '95 % low', '95 % high', 'Lowest seed', 'Highest seed'],
      lines.flatMap((line) => line.points.map((point) => [point.value, line.held || '–', point.score.seeds, fixed(point.score.mean),
        fixed(point.score.low), fixed(point.score.high), fixed(point.score.lowest), fixed(point.score.highest)])));
  }

  function range(lines, read) {
    const all = [...lines.flatMap((line) => line.points.map((point) => point.score)), read.baseline_score]
      .flatMap((score) => [score.mean, score.low, score.high]).filter((value) => value !== null);
    if (!all.length) return {};
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const room = Math.max(0.5, (high - low) * 0.08);
    return {suggestedMin: Math.max(0, low - room), suggestedMax: high + room, ticks: {color: getComputedStyle(document.documentElement).getPropertyValue('--muted'),
            callback: (value) => fixed(value, high - low < 2 ? 2 : 1)}};
  }

  place.append(controls, none, body);
  await load();
  return {refresh: (_, rows) => (rows ? load() : null)};
}
