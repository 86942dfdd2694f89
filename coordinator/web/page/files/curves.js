// Learning curves of chosen trials, thinned by the coordinator.
import {colour, dash, Drawing} from './charts.js';
import {clean, h, name, replace} from './dom.js';
import {compact, count, plural} from './format.js';
import {choice, empty, setQuery} from './parts.js';
import {ask} from './server.js';

const MOST_TRIALS = 500;
const MOST_POINTS = 60000;  // of all curves together: more is no other picture
const AT_FIRST = 8;         // configurations
const CONFIGURATIONS = 500;

// An exponential mean, begun without a bias to the first value.
export function smooth(values, weight) {
  if (!weight) return values;
  let [sum, norm] = [0, 0];
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return sum / norm;
  });
}

export function curveSets(groups, weight) {
  return groups.flatMap((group, i) => group.seeds.map((curve) => {
    const values = smooth(curve.values, weight);
    return {
      label: curve.name, data: curve.steps.map((step, j) => ({x: step, y: values[j]})), borderColor: colour(i), backgroundColor: colour(i),
      borderDash: dash(i), borderWidth: 1.5, pointRadius: curve.steps.length < 20 ? 2.5 : 0, pointHitRadius: 4, group: i,
    };
  }));
}

export async function show(place, sweep, query) {
  let metric = query.get('curve') ?? '';
  let weight = Number(query.get('smooth')) || 0;
  let log = query.get('log') === '1';
  const grid = await ask(`sweeps/${sweep.id}/grid`, {most: CONFIGURATIONS});
  const withCurves = grid.rows.filter((row) => !['zero_shot', 'lead'].includes(row.arm));
  const begun = (row) => row.cells.some((cell) => cell[2] !== 'pending');
  const asked = query.get('configurations');
  const chosen = new Set(asked ? asked.split(',').map(Number) : withCurves.filter(begun).slice(0, AT_FIRST).map((row) => row.id));
  const drawing = new Drawing('Learning curves');
  const controls = h('div', {class: 'controls'});
  const said = h('p', {class: 'meta', 'aria-live': 'polite'});
  const none = h('div', {});
  let read = null;

  async function load() {
    const ids = [...chosen].join(',');
    const trials = withCurves.filter((row) => chosen.has(row.id)).reduce((sum, row) => sum + row.cells.length, 0);
    if (!ids) {
      read = null;
      drawing.figure.hidden = true;
      said.textContent = '';
      return replace(none, empty('Choose configurations below.'));
    }
    const points = Math.max(16, Math.min(400, Math.floor(MOST_POINTS / Math.max(1, Math.min(trials, MOST_TRIALS)))));
    try {
      read = await ask(`sweeps/${sweep.id}/curves`, {metric, configurations: ids, points});
    } catch (error) {
      // What one sweep's trials report another's may not.
      if (error.status !== 400 || !metric) throw error;
      metric = '';
      read = await ask(`sweeps/${sweep.id}/curves`, {metric, configurations: ids, points});
    }
    return draw();
  }

  async function draw() {
    if (!read) return;
    replace(controls, [
      choice('Curve', (read.metrics.length ? read.metrics : [read.metric]).map((each) => [each, each.replaceAll('_', ' ')]), read.metric, (value) => {
        metric = value;
        setQuery({curve: value});
        return load();
      }, 'curve'),
      choice('Smoothing', [['0', 'none'], ['0.6', 'some'], ['0.9', 'much'], ['0.97', 'very much']], String(weight), (value) => {
        weight = Number(value);
        setQuery({smooth: weight || ''});
        return draw();
      }, 'smooth'),
      choice('Scale', [['0', 'linear'], ['1', 'logarithmic']], log ? '1' : '0', (value) => {
        log = value === '1';
        setQuery({log: log ? 1 : ''});
        return draw();
      }, 'scale'),
    ]);
    drawing.figure.hidden = read.trials === 0;
    replace(none, read.trials === 0 ? empty('These trials have reported nothing of that name yet.') : null);
    said.textContent = read.trials ? `${plural(read.trials, 'curve')}, ${count(read.reported)} points reported; the first, the last, and each stretch’s lowest and highest are drawn.` : '';
    if (!read.trials) return;
    const label = read.metric.replaceAll('_', ' ');
    drawing.caption.textContent = `${clean(label)} by step`;
    drawing.canvas.setAttribute('aria-label', `${clean(label)} by step, ${read.trials} trials; the numbers are below`);
    const firsts = new Map();
    await drawing.draw({
      sets: () => curveSets(read.groups, weight).map((set) => {
        // One entry of the legend a configuration.
        const own = firsts.has(set.group) ? undefined : read.groups[set.group].configuration;
        firsts.set(set.group, true);
        return {...set, legend: own};
      }),
      x: {text: 'step'}, y: {text: label, more: log ? {type: 'logarithmic'} : {}},
      legend: false,
      tips: {title: () => '', label: (item) => `${clean(item.dataset.label).slice(0, 80)}, step ${count(item.parsed.x)}: ${compact(item.parsed.y)}`},
    });
    const summary = read.groups.flatMap((group) => group.seeds).slice(0, MOST_TRIALS)
      .map((curve) => [curve.name, curve.reported, curve.values.at(-1), Math.min(...curve.values), Math.max(...curve.values)]);
    drawing.table('curves', ['Trial', 'Points', 'Last', 'Lowest', 'Highest'], summary);
    key();
  }

  // Which colour is whose: the legend is the choice itself.
  const picks = h('ul', {class: 'picks', 'aria-label': 'Configurations'});
  function key() {
    const order = new Map((read?.groups ?? []).map((group, i) => [group.configuration, i]));
    for (const item of picks.children) {
      const line = item.querySelector('svg line');
      const i = order.get(item.dataset.configuration);
      line.setAttribute('stroke', i === undefined ? 'transparent' : colour(i));
      line.setAttribute('stroke-dasharray', i === undefined ? '' : dash(i).join(' '));
    }
  }
  function sample() {
    const one = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    for (const [attribute, value] of [['width', 26], ['height', 10], ['aria-hidden', 'true']]) one.setAttribute(attribute, value);
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
    for (const [attribute, value] of [['x1', 1], ['x2', 25], ['y1', 5], ['y2', 5], ['stroke-width', 3], ['stroke', 'transparent']]) line.setAttribute(attribute, value);
    one.append(line);
    return one;
  }
  function change() {
    setQuery({configurations: [...chosen].join(',')});
    return load();
  }
  for (const row of withCurves) {
    const box = h('input', {type: 'checkbox', checked: chosen.has(row.id), onchange: () => {
      if (box.checked) chosen.add(row.id); else chosen.delete(row.id);
      return change();
    }});
    const item = h('li', {}, h('label', {}, box, sample(), name(row.configuration), h('span', {class: 'meta'}, `${row.cells.length}`)));
    item.dataset.configuration = row.configuration;
    picks.append(item);
  }
  const all = (on) => () => {
    let left = MOST_TRIALS;
    chosen.clear();
    withCurves.forEach((row, i) => {
      left -= row.cells.length;
      if (on && left >= 0) chosen.add(row.id);
      picks.children[i].querySelector('input').checked = on && left >= 0;
    });
    return change();
  };
  place.append(controls, none, drawing.figure, said,
    h('h2', {}, 'Configurations'), h('p', {class: 'controls'}, h('button', {type: 'button', onclick: all(true)}, `All, up to ${MOST_TRIALS} trials`),
      h('button', {type: 'button', onclick: all(false)}, 'None')), picks,
    grid.configurations > CONFIGURATIONS ? h('p', {class: 'meta'}, `The first ${CONFIGURATIONS} of ${count(grid.configurations)} configurations.`) : '');
  await load();
  // Points are no rows of the history: while something trains there may be new ones.
  return {refresh: (now, rows) => (rows || now.running > 0 ? load() : null)};
}
