// What was summarized: documents by how much two configurations differ on them, and one document with all its summaries.
import {clean, h, name, replace} from './dom.js';
import {ABSENT, count, fixed, METRICS, signed} from './format.js';
import {choice, empty, pager, scroller, setQuery, trialLink} from './parts.js';
import {marked, wordsOf} from './ngrams.js';
import {ask} from './server.js';

const ROWS = 50;
const SCORES = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'];
const SORTS = [['position', 'as in the data'], ['difference', 'where it lost most'], ['-difference', 'where it gained most'], ['score', 'lowest score'],
               ['-score', 'highest score']];

export async function show(place, sweep, query, rest) {
  return rest.length > 1 ? showOne(place, sweep, query, rest) : showList(place, sweep, query);
}

async function showList(place, sweep, query) {
  const asked = Object.fromEntries(['split', 'metric', 'configuration', 'against', 'sort'].map((key) => [key, query.get(key) ?? '']));
  let from = Math.max(0, Number(query.get('from')) || 0);
  const body = h('div', {});
  const change = (changes) => {
    Object.assign(asked, changes);
    from = 'from' in changes ? changes.from : 0;
    delete asked.from;
    setQuery({...asked, from: from || ''});
    return load();
  };
  async function load() {
    const read = await ask(`sweeps/${sweep.id}/documents`, {...asked, from, most: ROWS});
    const names = read.configurations.map((each) => [each, clean(each).slice(0, 60)]);
    const controls = h('div', {class: 'controls'},
      choice('Split', [['test', 'test'], ['validation', 'validation']], read.split, (split) => change({split})),
      names.length ? [choice('Configuration', names, read.configuration, (configuration) => change({configuration})),
        choice('Beside', names, read.against, (against) => change({against}))] : null,
      choice('Metric', SCORES.map((each) => [each, METRICS[each]]), read.metric, (metric) => change({metric})),
      choice('Order', SORTS, asked.sort || 'position', (sort) => change({sort: sort === 'position' ? '' : sort})));
    if (!read.items.length) return replace(body, [controls, empty('No documents yet: they come with the first trial that evaluates.')]);
    const rows = read.items.map((item) => h('tr', {},
      h('th', {scope: 'row'}, h('a', {href: place_(sweep, read.split, item.id), 'data-key': `doc-${item.position}`}, name(item.id))),
      h('td', {class: 'number'}, fixed(item.score)), h('td', {class: 'number'}, fixed(item.against)), h('td', {class: 'number'}, signed(item.difference)),
      h('td', {}, h('span', {class: 'clamp'}, clean(item.beginning)))));
    return replace(body, [controls,
      h('p', {class: 'meta'}, `${METRICS[read.metric]} of each document, mean over seeds: `, read.configuration ? name(read.configuration) : ABSENT, ' beside ', name(read.against), '.'),
      scroller('Documents', 'documents', h('table', {}, h('caption', {class: 'unseen'}, 'Documents'),
        h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Document'), ['Score', 'Beside', 'Difference'].map((text) => h('th', {scope: 'col', class: 'number'}, text)),
          h('th', {scope: 'col'}, 'Reference'))), h('tbody', {}, rows))),
      pager(from, ROWS, read.documents, 'documents', (to) => change({from: to}))]);
  }
  place.append(body);
  await load();
  return {refresh: (_, rows) => (rows ? load() : null)};
}

function place_(sweep, split, id) {
  return `#/sweeps/${sweep.id}/documents/${split}/${encodeURIComponent(id)}`;
}

async function showOne(place, sweep, query, [split, id]) {
  let seed = query.get('seed') ?? '';
  let length = Number(query.get('words') ?? 2);
  const body = h('div', {});
  let read = null;

  function draw() {
    const reference = wordsOf(read.reference);
    const best = Math.max(...read.summaries.map((summary) => summary.rouge1));
    const summaries = read.summaries.map((summary) => h('article', {class: 'text-box'},
      h('h3', {}, h('span', {}, trialLink(summary.trial, summary.configuration), summary.baseline ? ' · baseline' : '',
        summary.rouge1 === best && read.summaries.length > 1 ? h('span', {class: 'meta'}, ' · highest ROUGE-1') : null),
      h('span', {class: 'meta'}, `R1 ${fixed(summary.rouge1)} · R2 ${fixed(summary.rouge2)} · RL ${fixed(summary.rougeL)} · ${count(summary.tokens)} tokens`)),
      h('p', {class: 'prose'}, summary.text.trim() ? marked(summary.text, reference, length) : h('em', {class: 'absent'}, 'nothing was generated'))));
    replace(body, [
      h('p', {class: 'crumbs'}, h('a', {href: `#/sweeps/${sweep.id}/documents`, 'data-key': 'back'}, 'All documents')),
      h('h2', {}, 'Document ', name(read.id)),
      h('div', {class: 'controls'},
        read.seeds.length > 1 ? choice('Seed', read.seeds.map((each) => [String(each), String(each)]), String(read.seed), (value) => { seed = value; setQuery({seed}); return load(); }) : null,
        choice('Mark what the reference has', [['0', 'nothing'], ['1', 'single words'], ['2', 'pairs of words'], ['3', 'three words in a row']], String(length),
          (value) => { length = Number(value); setQuery({words: value}); draw(); }, 'words')),
      h('p', {class: 'meta'}, 'Words are compared in lower case, as ROUGE does, but without its stemmer.'),
      h('div', {class: 'reading'},
        h('article', {class: 'text-box article'}, h('h3', {}, 'Article', h('span', {class: 'meta'}, `${count(read.article_bytes)} bytes`)),
          h('div', {class: 'prose scroll-quiet', tabindex: '0', role: 'region', 'aria-label': 'Article', 'data-key': 'article'}, clean(read.article),
            read.article.length < read.article_bytes && read.article_bytes > 400000 ? h('em', {}, ' … the rest is in the database') : null)),
        h('div', {class: 'summaries'},
          h('article', {class: 'text-box'}, h('h3', {}, 'Reference'), h('p', {class: 'prose'}, clean(read.reference))),
          summaries.length ? summaries : empty('No trial with this seed has summarized it yet.'))),
    ]);
  }
  async function load() {
    read = await ask(`sweeps/${sweep.id}/document`, {split, id, seed});
    draw();
  }
  place.append(body);
  await load();
  return {refresh: (_, rows) => (rows ? load() : null)};
}
