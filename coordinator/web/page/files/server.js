// The coordinator: questions, the session, and the stream of what has changed.
//
// The session is a cookie that scripts cannot read and a key that other ports of this host cannot: both are needed.

const KEY = 'lorikeet-key';
const POLL_EVERY = 5000;
const RETRY_AFTER = [1000, 1000, 2000, 4000, 8000, 10000];
// The stream beats every ten seconds; without a beat for so long it is dead, whatever the connection says.
const SILENT_FOR = 25000;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const hasKey = () => localStorage.getItem(KEY) !== null;

function headers() {
  return {'Lorikeet-Key': localStorage.getItem(KEY) ?? ''};
}

async function reasonOf(response) {
  try {
    return (await response.json()).error ?? response.statusText;
  } catch {
    return response.statusText || `HTTP ${response.status}`;
  }
}

// ask('sweeps/s-1/grid', {metric: 'rouge1'})
export async function ask(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ''));
  const text = String(query);
  const response = await fetch(`/api/${path}${text ? '?' + text : ''}`, {headers: headers(), signal});
  if (response.ok) return response.json();
  throw new Refused(response.status, await reasonOf(response));
}

export async function logIn(token) {
  const response = await fetch('/api/login', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({token}),
  });
  if (!response.ok) throw new Refused(response.status, await reasonOf(response));
  localStorage.setItem(KEY, (await response.json()).key);
}

export async function logOut() {
  localStorage.removeItem(KEY);
  await fetch('/api/logout', {method: 'POST'});
}

// A browser has six connections for a host, and a stream holds one: whoever is not looked at lets go of its own, and hears
// of everything when it is looked at again.
const HIDDEN_FOR = 5000;

// Calls told({sweeps, workers, ...}) for whatever changes, and state('live' | 'polling' | 'away', why) when the way of
// hearing of it does. Ends with stop(). Where the stream is refused for want of room it polls.
export function follow(told, state) {
  let ended = false;
  let listening = false;
  let hiding = 0;
  let failures = 0;
  let abort = null;
  let timer = 0;
  const later = (what, after) => { timer = setTimeout(what, after); };

  function pause() {
    listening = false;
    clearTimeout(timer);
    abort?.abort();
  }
  function resume() {
    clearTimeout(hiding);
    if (listening || ended) return;
    listening = true;
    listen();
  }
  const look = () => {
    clearTimeout(hiding);
    if (document.visibilityState === 'visible') resume();
    else hiding = setTimeout(pause, HIDDEN_FOR);
  };
  // A page that was left may be kept, with its stream, for whoever comes back.
  const places = [[document, 'visibilitychange', look], [window, 'pagehide', pause], [window, 'pageshow', look]];
  for (const [target, name, call] of places) target.addEventListener(name, call);

  async function listen() {
    abort = new AbortController();
    let silent = 0;
    const heard = () => {
      clearTimeout(silent);
      silent = setTimeout(() => abort.abort(), SILENT_FOR);
    };
    try {
      heard();
      const response = await fetch('/api/events', {headers: headers(), signal: abort.signal});
      if (response.status === 503) {
        state('polling');
        told({everything: true});
        return later(listen, POLL_EVERY);
      }
      if (response.status === 401) return state('out');
      if (!response.ok) throw new Error(await reasonOf(response));
      failures = 0;
      await read(response, heard);
      throw new Error('the stream has ended');
    } catch (error) {
      if (ended || !listening) return undefined;
      state('away', error.message);
      const after = RETRY_AFTER[Math.min(failures, RETRY_AFTER.length - 1)];
      failures += 1;
      return later(listen, after);
    } finally {
      clearTimeout(silent);
    }
  }

  async function read(response, heard) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return;
      heard();
      text += value;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const line = text.slice(0, end).split('\n').find((each) => each.startsWith('data: '));
        text = text.slice(end + 2);
        if (!line) continue;
        const news = JSON.parse(line.slice(6));
        state(news.unwell ? 'unwell' : 'live');
        told(news);
      }
    }
  }

  resume();
  return {
    stop() {
      ended = true;
      clearTimeout(hiding);
      pause();
      for (const [target, name, call] of places) target.removeEventListener(name, call);
    },
  };
}
