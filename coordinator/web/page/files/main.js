// Where the page is, and what is shown there. A view is a module with show(place, parts, query): it returns a function
// that brings what is shown up to date, called when the coordinator says that something has changed.
import {announce, h} from './dom.js';
import {placeOf, problem} from './parts.js';
import {follow, hasKey, logIn, logOut, Refused} from './server.js';

const VIEWS = {
  '': () => import('./sweeps.js'),
  sweeps: () => import('./sweep.js'),
  trials: () => import('./trial.js'),
  workers: () => import('./workers.js'),
};
const main = document.getElementById('main');
let current = null;   // {refresh, wants}
let stream = null;
let turn = 0;         // of navigation: a slow view must not overwrite a later one

function title(text) {
  document.title = text ? `${text} – Lorikeet` : 'Lorikeet';
}

function showLogin(why = '') {
  stream?.stop();
  stream = null;
  current = null;
  setConnection('out');
  title('Log in');
  const token = h('input', {type: 'password', id: 'token', name: 'token', autocomplete: 'current-password', required: true,
                            spellcheck: 'false', autocapitalize: 'off', 'aria-describedby': 'token-help login-problem'});
  const trouble = h('p', {id: 'login-problem', class: 'problem', role: 'alert', hidden: !why}, why);
  const form = h('form', {class: 'login', method: 'post', onsubmit: async (event) => {
    event.preventDefault();
    try {
      await logIn(token.value.trim());
      token.value = '';
      start();
    } catch (error) {
      trouble.hidden = false;
      trouble.textContent = error instanceof Refused && error.status === 401
        ? 'This coordinator does not know that token.' : error.message;
      token.select();
    }
  }},
  h('h1', {}, 'Log in'),
  h('label', {for: 'token'}, 'A token that may read'),
  token,
  h('p', {id: 'token-help', class: 'help'}, 'On the coordinator’s own host it is in ', h('code', {}, 'DIR/token'),
    '; others are made by ', h('code', {}, 'deploy/make-token.sh read NAME'), '.'),
  trouble,
  h('button', {type: 'submit', class: 'primary'}, 'Log in'));
  main.replaceChildren(form);
  token.focus();
}

const WORDS = {live: 'Live', polling: 'Asks every 5 s', away: 'Coordinator away, trying again', unwell: 'Coordinator busy',
               out: 'Not logged in', starting: 'Connecting'};
let connection = '';
function setConnection(state) {
  document.getElementById('logout').hidden = state === 'out';
  if (state === connection) return;
  const before = connection;
  connection = state;
  const line = document.getElementById('connection');
  line.dataset.state = state;
  document.getElementById('connection-text').textContent = WORDS[state];
  if (state === 'away') announce('The coordinator does not answer. What is shown may be old.');
  if (state === 'live' && (before === 'away' || before === 'unwell')) announce('The coordinator answers again.');
}

// One refresh at a time; the next one waits as long as the last took ten times over, so that a large sweep does not keep
// everybody busy.
let pending = null;
let busy = false;
async function refresh(news) {
  if (!current?.refresh) return;
  if (busy) { pending = merge(pending, news); return; }
  busy = true;
  const view = current;
  const begun = performance.now();
  try {
    await view.refresh(news);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) { showLogin(); }
  }
  const took = performance.now() - begun;
  setTimeout(() => {
    busy = false;
    if (pending) { const next = pending; pending = null; refresh(next); }
  }, Math.max(500, 10 * took));
}
function merge(a, b) {
  if (!a) return b;
  const sweeps = {...a.sweeps};
  for (const [id, rows] of Object.entries(b.sweeps ?? {})) sweeps[id] = sweeps[id] || rows;
  return {everything: a.everything || b.everything, workers: a.workers || b.workers, sweeps};
}

let page = null;  // which build's page this is
function told(news) {
  if (news.page && page && news.page !== page && !document.getElementById('newer')) {
    main.before(h('p', {id: 'newer', class: 'notice'}, 'The coordinator has another build now. ',
                  h('button', {type: 'button', onclick: () => location.reload()}, 'Load the page again')));
  }
  page = news.page ?? page;
  // What a stream says first is everything that there is: something may have changed since this was loaded.
  refresh(news);
}

async function go() {
  if (connection === 'out') return;
  const mine = ++turn;
  const {parts, query} = placeOf(location.hash);
  const load = VIEWS[parts[0] ?? ''];
  for (const [id, on] of [['nav-sweeps', parts[0] !== 'workers'], ['nav-workers', parts[0] === 'workers']]) {
    const item = document.getElementById(id);
    if (on) item.setAttribute('aria-current', 'page'); else item.removeAttribute('aria-current');
  }
  const place = h('div', {class: 'view'});
  current = null;
  pending = null;
  if (!load) {
    main.replaceChildren(h('h1', {}, 'There is no such place'), h('p', {}, h('a', {href: '#/'}, 'All sweeps')));
    return title('Not found');
  }
  const waiting = setTimeout(() => {
    if (mine === turn) main.replaceChildren(h('p', {class: 'loading'}, 'Loading…'));
  }, 150);
  try {
    const view = await load();
    const shown = await view.show(place, parts.slice(1), query, {title, stale: () => mine !== turn});
    if (mine !== turn) return undefined;
    main.replaceChildren(place);
    current = shown;
    title(shown.title);
  } catch (error) {
    if (mine !== turn) return undefined;
    if (error instanceof Refused && error.status === 401) return showLogin();
    main.replaceChildren(h('h1', {}, error.status === 404 ? 'Not there' : 'Something is wrong'), problem(error),
                         h('p', {}, h('a', {href: '#/'}, 'All sweeps'), ' · ',
                           h('button', {type: 'button', onclick: go}, 'Try again')));
    title('Problem');
  } finally {
    clearTimeout(waiting);
  }
  return undefined;
}

async function start() {
  setConnection('starting');
  stream?.stop();
  if (!hasKey()) return showLogin();
  await go();
  if (connection === 'out') return undefined;
  stream = follow(told, (state) => {
    if (state === 'out') return showLogin();
    return setConnection(state);
  });
  return undefined;
}

document.getElementById('logout').addEventListener('click', async () => {
  await logOut();
  showLogin();
});
let last = location.hash.split('?')[0];
addEventListener('hashchange', async () => {
  const moved = location.hash.split('?')[0] !== last;
  last = location.hash.split('?')[0];
  await go();
  if (moved) {
    main.focus({preventScroll: true});
    scrollTo(0, 0);
  }
});
start();
