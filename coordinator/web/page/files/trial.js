// One trial: how it stands, its attempts, curves, logs, result, settings and files.
import {colour, dash, Drawing} from './charts.js';
import {curveSets} from './curves.js';
import {clean, h, name, replace} from './dom.js';
import {historyList} from './events.js';
import {ABSENT, bytes, compact, count, duration, fixed, percent, secondsBetween, time} from './format.js';
import {badge, choice, empty, facts, scroller, setQuery, sweepLink} from './parts.js';
import {ask} from './server.js';

function heading(trial) {
  const {progress} = trial;
  const share = progress && progress.total > 0 ? progress.step / progress.total : null;
  return [
    h('p', {class: 'crumbs'}, h('a', {href: '#/', 'data-key': 'crumb'}, 'Sweeps'), ' › ', sweepLink(trial.sweep_id, trial.sweep), ' › ',
      sweepLink(trial.sweep_id, 'Trials', 'trials')),
    h('div', {class: 'head'}, h('h1', {}, name(trial.name)), badge(trial.state)),
    trial.waiting && trial.state === 'pending' ? h('p', {class: 'waiting'}, 'Waits: ', name(trial.waiting)) : null,
    trial.failure_kind ? h('p', {class: trial.state === 'failed' ? 'problem' : 'waiting'}, h('strong', {}, `${clean(trial.failure_kind.replaceAll('_', ' '))}: `),
      h('span', {class: 'clamp', title: clean(trial.failure_message).slice(0, 2000)}, clean(trial.failure_message))) : null,
    progress ? h('div', {},
      h('p', {class: 'meta'}, `${clean(progress.phase)}, step ${count(progress.step)}${progress.total ? ` of ${count(progress.total)}` : ''}`,
        progress.loss === null ? '' : ` · loss ${fixed(progress.loss, 4)}`, progress.tokens_per_second ? ` · ${count(progress.tokens_per_second)} tokens/s` : '',
        progress.eta_seconds ? ` · about ${duration(progress.eta_seconds)} left of this phase` : ''),
      share === null ? null : h('progress', {max: 1, value: share, 'aria-label': 'Progress of the phase'})) : null,
    facts([['Configuration', name(trial.configuration)], ['Seed', ['zero_shot', 'lead'].includes(trial.arm) ? 'none' : trial.seed],
      ['Attempts', `${trial.attempts}`], ['Failures', trial.failures || null], ['Interruptions', trial.interruptions || null],
      ['Worker', trial.worker ? name(trial.worker) : null], ['Device', trial.device ? clean(trial.device) : null]]),
  ];
}

const SHADES = {succeeded: 'is-succeeded', running: 'is-running', granted: 'is-running', failed: 'is-failed', lost: 'is-failed'};
// Attempts over time, a track each: from the grant to the end, the wait for the trainer's start paler. The table below says
// the same in words.
function timeline(attempts, now) {
  const begin = Date.parse(attempts[0].granted_at);
  const span = Math.max(1000, Math.max(...attempts.map((attempt) => Date.parse(attempt.ended_at ?? now))) - begin);
  const at = (iso) => Math.max(0, Math.min(1, (Date.parse(iso) - begin) / span));
  const bar = (from, to, shade) => {
    const piece = h('span', {class: `piece ${shade}`});
    piece.style.setProperty('--from', at(from));
    piece.style.setProperty('--long', Math.max(0.004, at(to) - at(from)));
    return piece;
  };
  return h('div', {class: 'timeline', 'aria-hidden': 'true'},
    attempts.slice(-20).map((attempt) => {
      const end = attempt.ended_at ?? now;
      return [h('span', {}, `attempt ${attempt.number}`), h('span', {class: 'track'}, bar(attempt.granted_at, attempt.started_at ?? end, 'wait'),
        attempt.started_at ? bar(attempt.started_at, end, SHADES[attempt.state] ?? 'is-cancelled') : null)];
    }),
    h('span', {}), h('span', {class: 'ends'}, h('span', {}, time(attempts[0].granted_at)), h('span', {}, `+ ${duration(span / 1000)}`)));
}

function attemptTable(trial) {
  const attempts = trial.attempt_list;
  if (!attempts.length) return empty('No attempt yet.');
  const rows = attempts.map((attempt) => h('tr', {}, h('th', {scope: 'row'}, `${attempt.number}`), h('td', {}, badge(attempt.state)),
    h('td', {}, name(attempt.worker ?? ABSENT)), h('td', {}, clean(attempt.device_model ?? attempt.device ?? ABSENT)),
    h('td', {class: 'number'}, time(attempt.granted_at)),
    h('td', {class: 'number'}, duration(secondsBetween(attempt.started_at ?? attempt.granted_at, attempt.ended_at ?? trial.now))),
    h('td', {class: 'number'}, attempt.micro_batch_size ?? ABSENT), h('td', {class: 'number'}, attempt.threads ?? ABSENT),
    h('td', {}, attempt.failure_kind ? [clean(attempt.failure_kind), attempt.failure_message ? ': ' : '', h('span', {class: 'clamp'}, clean(attempt.failure_message))] : ABSENT),
    h('td', {class: 'meta'}, clean(attempt.build ?? ABSENT))));
  return [timeline(attempts, trial.now), scroller('Attempts', 'attempts', h('table', {}, h('caption', {class: 'unseen'}, 'Attempts'),
    h('thead', {}, h('tr', {}, ['Attempt', 'State', 'Worker', 'Device'].map((text) => h('th', {scope: 'col'}, text)),
      ['Granted (UTC)', 'Took', 'Micro-batch', 'Threads'].map((text) => h('th', {scope: 'col', class: 'number'}, text)),
      ['Why it ended', 'Build'].map((text) => h('th', {scope: 'col'}, text)))), h('tbody', {}, rows)))];
}

function result(trial) {
  const its = trial.result;
  if (its.test_rouge1 === undefined) return null;
  const rouge = (split) => ['1', '2', 'L', 'Lsum'].map((each) => h('td', {class: 'number'}, fixed(its[`${split}_rouge${each}`] === null ? null : 100 * its[`${split}_rouge${each}`])));
  const row = (split) => h('tr', {}, h('th', {scope: 'row'}, split), rouge(split), h('td', {class: 'number'}, fixed(its[`${split}_loss`], 3)),
    h('td', {class: 'number'}, count(its[`${split}_documents`])));
  return [h('h2', {}, 'Result'), scroller('Result', 'result', h('table', {}, h('caption', {class: 'unseen'}, 'Scores by split'),
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Split'), ['ROUGE-1', 'ROUGE-2', 'ROUGE-L', 'ROUGE-Lsum', 'Loss', 'Documents'].map((text) => h('th', {scope: 'col', class: 'number'}, text)))),
    h('tbody', {}, row('test'), row('validation')))),
  facts([['Trained', `${count(its.trainable_parameters)} parameters, ${percent(its.trainable_share)}`], ['Kept step', `${count(its.kept_step)} of ${count(its.last_step)}`],
    ['Training', its.train_seconds === null ? null : duration(its.train_seconds)], ['Tokens/s', its.tokens_per_second === null ? null : count(its.tokens_per_second)],
    ['Generated tokens/s', its.generated_tokens_per_second === null ? null : count(its.generated_tokens_per_second)],
    ['Latency p50, p95', its.latency_p50_seconds === null ? null : `${compact(its.latency_p50_seconds)} s, ${compact(its.latency_p95_seconds)} s`],
    ['Peak memory', bytes(its.peak_memory_bytes)], ['Adapter', its.adapter_bytes ? bytes(its.adapter_bytes) : null],
    ['Device', clean(its.device_model)], ['Precision', clean(its.precision)]])];
}

function files(trial) {
  if (!trial.artifacts.length) return null;
  return [h('h2', {}, 'Adapter and checkpoint'), trial.artifacts.map((artifact) => [
    h('p', {}, h('strong', {}, clean(artifact.kind)), `, step ${count(artifact.step)}, ${bytes(artifact.bytes)}, ${time(artifact.created_at)} UTC`),
    scroller(`Files of the ${clean(artifact.kind)}`, `files-${artifact.kind}`, h('table', {}, h('caption', {class: 'unseen'}, `Files of the ${clean(artifact.kind)}`),
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'File'), h('th', {scope: 'col', class: 'number'}, 'Size'), h('th', {scope: 'col'}, 'SHA-256'))),
      h('tbody', {}, (artifact.files ?? []).map((file) => h('tr', {}, h('th', {scope: 'row'}, name(file.name)), h('td', {class: 'number'}, bytes(file.bytes)),
        h('td', {class: 'mono'}, clean(file.sha256))))))),
    artifact.kind === 'adapter' ? h('p', {class: 'meta'}, 'Brought here by ', h('code', {}, `sweepctl fetch ${clean(trial.id)}`)) : null])];
}

export async function show(place, parts, query) {
  const id = parts[0];
  const path = `trials/${encodeURIComponent(id)}`;
  let trial = await ask(path);
  let metric = query.get('curve') ?? '';
  let most = 200;
  const [top, attempts, results, logs, history] = [0, 1, 2, 3, 4].map(() => h('div', {}));
  const drawing = new Drawing('Learning curve');
  const controls = h('div', {class: 'controls'});
  const curves = h('div', {}, h('h2', {}, 'Learning curves'), controls, drawing.figure);

  async function drawCurve() {
    curves.hidden = trial.metrics.length === 0;
    if (curves.hidden) return;
    if (!trial.metrics.includes(metric)) metric = trial.metrics.includes('train_loss') ? 'train_loss' : trial.metrics[0];
    replace(controls, choice('Curve', trial.metrics.map((each) => [each, each.replaceAll('_', ' ')]), metric, (value) => {
      metric = value;
      setQuery({curve: value});
      return drawCurve();
    }, 'curve'));
    const read = await ask(`sweeps/${trial.sweep_id}/curves`, {metric, trials: id, points: 1000});
    const label = metric.replaceAll('_', ' ');
    drawing.caption.textContent = `${clean(label)} by step`;
    drawing.canvas.setAttribute('aria-label', `${clean(label)} by step; the numbers are below`);
    await drawing.draw({
      sets: () => curveSets(read.groups, 0).map((set) => ({...set, borderColor: colour(0), borderDash: dash(0)})),
      x: {text: 'step'}, y: {text: label}, legend: false,
      tips: {title: () => '', label: (item) => `step ${count(item.parsed.x)}: ${compact(item.parsed.y)}`},
    });
    const curve = read.groups[0]?.seeds[0];
    if (curve) drawing.table('curve', ['Step', label], curve.steps.map((step, i) => [count(step), curve.values[i]]).slice(0, 1000));
  }
  async function drawEvents() {
    const [log, events] = await Promise.all([ask(`${path}/events`, {logs: 1, most}), ask(`${path}/events`, {most})]);
    const older = (read, key) => (read.more && most < 500
      ? h('button', {type: 'button', 'data-key': key, onclick: () => { most = 500; return drawEvents(); }}, 'Show older') : null);
    replace(history, [h('h2', {}, 'History'), events.items.length ? historyList(events.items, 'History') : empty('Nothing has happened yet.'), older(events, 'older-events')]);
    replace(logs, [h('h2', {}, 'Log'), log.items.length ? historyList(log.items, 'Log') : empty('The trainer has said nothing.'), older(log, 'older-logs')]);
  }
  function drawFacts() {
    replace(top, heading(trial));
    replace(attempts, [h('h2', {}, 'Attempts'), attemptTable(trial)].flat());
    replace(results, [result(trial), files(trial), h('details', {'data-key': 'settings'}, h('summary', {}, 'Settings: the trial file'),
      scroller('Settings', 'settings-text', h('pre', {class: 'file'}, clean(JSON.stringify(trial.settings, null, 2)))))].flat(2));
  }
  place.append(top, results, curves, attempts, logs, history);
  drawFacts();
  await Promise.all([drawCurve(), drawEvents()]);
  return {
    title: trial.name,
    async refresh(news) {
      const mine = news.sweeps?.[trial.sweep_id];
      if (mine === undefined && !news.everything) return;
      const before = trial;
      trial = await ask(path);
      drawFacts();
      // What an ended trial has said, it has said.
      if (before.state === 'running' || trial.state === 'running' || before.state !== trial.state) await Promise.all([drawCurve(), drawEvents()]);
    },
  };
}
