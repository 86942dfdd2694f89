// Charts in the page's colours, by Chart.js, which is loaded when a chart is first shown. A chart has a heading, says in
// its label what it shows, and has its numbers as a table beside it.
import {clean, h} from './dom.js';
import {compact} from './format.js';
import {scroller} from './parts.js';

// Told apart by hue and, where there are few, by the points' shapes and the lines' dashes too.
const LIGHT = ['#0b6b4f', '#0a5a86', '#b3541e', '#7a3b9a', '#8a6d00', '#a8324a', '#3c4fa8', '#46603a', '#8c4b6e', '#1f7a8c'];
const DARK = ['#63d2a8', '#82c6f2', '#f2a36b', '#cda2ea', '#e0c267', '#f591a6', '#a3b1f5', '#b0cf9c', '#e6a5c8', '#7fd4e3'];
const SHAPES = ['circle', 'rect', 'triangle', 'rectRot', 'star', 'crossRot', 'rectRounded', 'cross'];
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

const dark = matchMedia('(prefers-color-scheme: dark)');
const still = matchMedia('(prefers-reduced-motion: reduce)');

export function colour(i) { return (dark.matches ? DARK : LIGHT)[i % LIGHT.length]; }
export const shape = (i) => SHAPES[i % SHAPES.length];
export const dash = (i) => DASHES[Math.floor(i / LIGHT.length) % DASHES.length];
const ink = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

let loading = null;
function library() {
  loading ??= import('./chart.min.js').then(() => globalThis.Chart);
  return loading;
}

// Intervals as whiskers, and a band with a line for the baseline: {whiskers: [{low, high}]} of a set of points and
// options.band = {low, high, mean, text}.
const intervals = {
  id: 'intervals',
  beforeDatasetsDraw(chart, _, options) {
    const {ctx, chartArea, scales: {y}} = chart;
    const band = options.band;
    if (!band || band.mean === null) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
    ctx.clip();
    if (band.low !== null) {
      ctx.fillStyle = ink('--sunken');
      const top = y.getPixelForValue(band.high);
      ctx.fillRect(chartArea.left, top, chartArea.width, y.getPixelForValue(band.low) - top);
    }
    ctx.strokeStyle = ink('--muted');
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(chartArea.left, y.getPixelForValue(band.mean));
    ctx.lineTo(chartArea.right, y.getPixelForValue(band.mean));
    ctx.stroke();
    ctx.fillStyle = ink('--muted');
    ctx.font = '12px system-ui, sans-serif';
    ctx.fillText(clean(band.text).slice(0, 60), chartArea.left + 6, y.getPixelForValue(band.mean) - 5);
    ctx.restore();
  },
  afterDatasetsDraw(chart) {
    const {ctx, scales: {y}} = chart;
    chart.data.datasets.forEach((set, i) => {
      if (!set.whiskers || !chart.isDatasetVisible(i)) return;
      ctx.save();
      ctx.strokeStyle = set.borderColor;
      ctx.lineWidth = 1.5;
      chart.getDatasetMeta(i).data.forEach((point, j) => {
        const whisker = set.whiskers[j];
        if (!whisker || whisker.low === null || whisker.low === undefined) return;
        const [top, bottom] = [y.getPixelForValue(whisker.high), y.getPixelForValue(whisker.low)];
        ctx.beginPath();
        for (const [x0, y0, x1, y1] of [[point.x, top, point.x, bottom], [point.x - 4, top, point.x + 4, top], [point.x - 4, bottom, point.x + 4, bottom]]) {
          ctx.moveTo(x0, y0);
          ctx.lineTo(x1, y1);
        }
        ctx.stroke();
      });
      ctx.restore();
    });
  },
};

function axis(text, more) {
  return {title: {display: true, text, color: ink('--muted')}, grid: {color: ink('--line')}, border: {color: ink('--line')},
          ticks: {color: ink('--muted'), maxRotation: 0, autoSkipPadding: 12}, ...more};
}

// Draws into a figure. `sets` are Chart.js data sets; `x` and `y` {text, type, ...}.
export class Drawing {
  constructor(title) {
    this.canvas = h('canvas', {role: 'img', 'aria-label': title});
    this.caption = h('figcaption', {}, title);
    this.numbers = h('div', {});
    this.figure = h('figure', {}, this.caption, h('div', {class: 'chart'}, this.canvas), this.numbers);
    this.chart = null;
    // The colours are part of the picture: drawn again when the scheme changes, while anybody looks.
    const again = () => (this.canvas.isConnected ? this.draw(this.last) : dark.removeEventListener('change', again));
    dark.addEventListener('change', again);
  }

  async draw(picture) {
    this.last = picture;
    const Chart = await library();
    const {sets, x, y, band, legend = true, tips} = picture;
    const data = {datasets: sets()};
    const options = {
      animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
      interaction: {mode: 'nearest', intersect: false, axis: 'xy'},
      scales: {x: axis(x.text, {type: 'linear', ...x.more}), y: axis(y.text, {type: 'linear', ...y.more})},
      plugins: {
        legend: {display: legend, position: 'bottom', labels: {color: ink('--ink'), usePointStyle: true, boxHeight: 7, padding: 14,
                 filter: (label) => label.text !== 'front',
                 generateLabels: (chart) => Chart.defaults.plugins.legend.labels.generateLabels(chart).map((label) => ({...label, text: clean(label.text).slice(0, 60)}))}},
        tooltip: {callbacks: tips, backgroundColor: ink('--ink'), titleColor: ink('--ground'), bodyColor: ink('--ground'), displayColors: false},
        intervals: {band},
      },
    };
    if (!this.chart) this.chart = new Chart(this.canvas, {type: picture.type ?? 'line', data, options, plugins: [intervals]});
    else {
      this.chart.data = data;
      this.chart.options = options;
      this.chart.update(still.matches ? 'none' : undefined);
    }
  }

  // The numbers of the picture, for whoever cannot see it or wants them.
  table(key, heads, rows) {
    const open = this.numbers.querySelector('details')?.open;
    const details = h('details', {'data-key': key, open}, h('summary', {}, 'The numbers'),
      scroller('The numbers', `${key}-numbers`, h('table', {}, h('caption', {class: 'unseen'}, this.caption.textContent),
        h('thead', {}, h('tr', {}, heads.map((head, i) => h('th', {scope: 'col', class: i ? 'number' : undefined}, head)))),
        h('tbody', {}, rows.map((row) => h('tr', {}, row.map((cell, i) => (i === 0 ? h('th', {scope: 'row'}, clean(cell))
          : h('td', {class: 'number'}, typeof cell === 'number' ? compact(cell) : clean(cell ?? '–'))))))))));
    this.numbers.replaceChildren(details);
  }

  drop() {
    this.chart?.destroy();
    this.chart = null;
  }
}
