// One sweep: what it says, and its tabs.
import {announce, h, name, replace} from './dom.js';
import {plural, time} from './format.js';
import {badge, facts, progress, timing, waits} from './parts.js';
import {ask} from './server.js';

const TABS = [
  ['', 'Overview', () => import('./overview.js')],
  ['trials', 'Trials', () => import('./trials.js')],
  ['sensitivity', 'Sensitivity', () => import('./sensitivity.js')],
  ['curves', 'Curves', () => import('./curves.js')],
  ['pareto', 'Quality and cost', () => import('./pareto.js')],
  ['documents', 'Documents', () => import('./documents.js')],
  ['history', 'History', () => import('./history.js')],
  ['file', 'Sweep file', () => import('./sweep_file.js')],
];

function heading(sweep) {
  const labels = Object.entries(sweep.labels);
  return [
    h('p', {class: 'crumbs'}, h('a', {href: '#/', 'data-key': 'crumb'}, 'Sweeps')),
    h('div', {class: 'head'}, h('h1', {}, name(sweep.name)), badge(sweep.state)),
    progress(sweep),
    h('p', {class: 'meta'}, `${plural(sweep.trials, 'trial')}, ${plural(sweep.seeds.length, 'seed')} · submitted ${time(sweep.submitted_at)} UTC · `,
      timing(sweep), sweep.finished_at ? ` · ended ${time(sweep.finished_at)} UTC` : null,
      sweep.priority ? ` · priority ${sweep.priority}` : null, sweep.max_running ? ` · at most ${sweep.max_running} at once` : null),
    labels.length ? facts([['Only on workers with', name(labels.map(([key, value]) => `${key}=${value}`).join(', '))]]) : null,
    waits(sweep),
    sweep.barred.map((why) => h('p', {class: 'waiting'}, 'Other files on ', name(why))),
  ];
}

export async function show(place, parts, query) {
  const id = parts[0];
  const chosen = parts[1] ?? '';
  const tab = TABS.find(([path]) => path === chosen) ?? TABS[0];
  let [sweep, module] = await Promise.all([ask(`sweeps/${encodeURIComponent(id)}`), tab[2]()]);
  const top = h('div', {}, heading(sweep));
  const tabs = h('nav', {class: 'tabs', 'aria-label': 'Of this sweep'}, TABS.map(([path, text]) =>
    h('a', {href: `#/sweeps/${id}${path ? '/' + path : ''}`, 'aria-current': path === tab[0] ? 'page' : undefined}, text)));
  const body = h('section', {'aria-label': tab[1]});
  place.append(top, tabs, body);
  // A choice in a tab stays a choice while other things change: it is kept in the query.
  const view = await module.show(body, sweep, query, parts.slice(2));
  return {
    title: `${sweep.name}${tab[0] ? ', ' + tab[1].toLowerCase() : ''}`,
    async refresh(news) {
      const mine = news.sweeps?.[id];
      if (mine === undefined && !news.everything) return;
      const before = sweep.state;
      sweep = await ask(`sweeps/${encodeURIComponent(id)}`);
      replace(top, heading(sweep));
      if (before !== sweep.state) announce(`The sweep is ${sweep.state}.`);
      // Its rows, or what does not last.
      if (view?.refresh) await view.refresh(sweep, mine === true || news.everything);
    },
  };
}
